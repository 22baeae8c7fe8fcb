import { mkdir, writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import path from 'node:path'
import { startProcess } from '../support/process.mjs'
import { NODE } from './credentials.mjs'

/** An address that is the machine's and not loopback: the kubelet insists on one for its node. */
export function nodeAddress() {
  const addresses = Object.values(networkInterfaces()).flat()
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address
}

/**
 * Writes the kubelet's configuration. Its API server is the proxy.
 *
 * @returns { start() }, which starts one and resolves to its process
 */
export async function configureKubelet({ folder, program, port, apiUrl, endpoint, credentials }) {
  const { paths, nodeToken } = credentials
  const root = path.join(folder, 'kubelet')
  const [kubeconfig, config] = [path.join(folder, 'kubeconfig.json'), path.join(folder, 'kubelet.json')]
  await mkdir(path.join(root, 'plugins'), { recursive: true })
  await mkdir(path.join(folder, 'manifests'))
  await mkdir(path.join(folder, 'pod-logs'))
  await writeFile(
    kubeconfig,
    JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'cluster' },
      clusters: [{ name: 'cluster', cluster: { server: apiUrl, 'certificate-authority': paths.ca } }],
      users: [{ name: 'node', user: { token: nodeToken } }],
      contexts: [{ name: 'cluster', context: { cluster: 'cluster', user: 'node' } }],
    }),
    { mode: 0o600 },
  )
  await writeFile(
    config,
    JSON.stringify({
      ...{ apiVersion: 'kubelet.config.k8s.io/v1beta1', kind: 'KubeletConfiguration' },
      ...{ address: '127.0.0.1', port, readOnlyPort: 0, healthzPort: 0 },
      // Who may run programs in pods: the API server, by its certificate, and nobody else on this machine.
      authentication: {
        anonymous: { enabled: false },
        webhook: { enabled: false },
        x509: { clientCAFile: paths.ca },
      },
      authorization: { mode: 'AlwaysAllow' },
      ...{ tlsCertFile: paths.certificate, tlsPrivateKeyFile: paths.key },
      containerRuntimeEndpoint: endpoint,
      ...{ cgroupDriver: 'cgroupfs', enforceNodeAllocatable: [], failSwapOn: false, failCgroupV1: false },
      ...{ makeIPTablesUtilChains: false, imageGCHighThresholdPercent: 100 },
      evictionHard: { 'memory.available': '50Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
      staticPodPath: path.join(folder, 'manifests'),
      volumePluginDir: path.join(folder, 'volume-plugins'),
      podLogsDir: path.join(folder, 'pod-logs'),
      // A rotation is found due when a pod is synced: by default every 60 to 90 s, which is longer than tokens live here.
      syncFrequency: '1s',
      // The proxy reads TokenRequests.
      contentType: 'application/json',
    }),
  )
  const args = [
    `--config=${config}`,
    `--kubeconfig=${kubeconfig}`,
    `--root-dir=${root}`,
    `--cert-dir=${path.join(folder, 'kubelet-certificates')}`,
    `--hostname-override=${NODE}`,
    `--node-ip=${nodeAddress()}`,
    '--runtime-cgroups=/',
    '--kubelet-cgroups=/',
  ]
  return {
    root,
    start: () => startProcess(program, args, { log: path.join(folder, 'kubelet.log') }),
  }
}
