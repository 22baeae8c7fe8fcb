/** A Kubernetes of one node, from parts: etcd, an API server, containerd, a kubelet; and a proxy between the last two. */
import { chmod, mkdtemp, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { StageFailure } from '../../check/support/run-stages.mjs'
import { freePorts } from '../support/free-ports.mjs'
import { until } from '../support/process.mjs'
import { startApiServer } from './api-server.mjs'
import { startContainerRuntime } from './container-runtime.mjs'
import { createCredentials, NODE } from './credentials.mjs'
import { startEtcd } from './etcd.mjs'
import { configureKubelet } from './kubelet.mjs'
import { killContainers, leftovers, rememberFolders, rememberSettings, removeScratch } from './scratch.mjs'
import { startTokenRequestProxy } from './token-request-proxy.mjs'

/**
 * @param programs folders, as buildComponents() says
 * @param archives of images, to import
 * @param lifeSecondsOf of a pod's tokens
 */
export async function startCluster({ programs, archives, lifeSecondsOf, note, keep }) {
  const folder = await mkdtemp(path.join(await realpath(tmpdir()), 'projected-token-cluster-'))
  await chmod(folder, 0o711)
  const restoreSettings = await rememberSettings()
  const removeFolders = rememberFolders()
  /** What ends what was started, the last first. */
  const endings = []
  let kubelet

  async function up() {
    const [etcdPort, peerPort, apiPort, kubeletPort] = await freePorts(4)
    const credentials = await createCredentials(folder)
    const runtime = await startContainerRuntime({ folder, programs: programs.containerd })
    endings.push(() => runtime.process.stop())
    for (const archive of archives) await runtime.import(archive)
    const etcd = startEtcd({
      ...{ folder, program: path.join(programs.etcd, 'etcd'), ports: [etcdPort, peerPort] },
    })
    endings.push(() => etcd.process.stop('SIGKILL'))
    const api = await startApiServer({
      ...{ folder, program: path.join(programs.kubernetes, 'kube-apiserver'), port: apiPort },
      ...{ etcdUrl: etcd.url, credentials },
    })
    endings.push(() => api.process.stop('SIGKILL'), api.client.close)
    const proxy = await startTokenRequestProxy({ apiUrl: api.url, port: 0, credentials, lifeSecondsOf })
    endings.push(proxy.close)
    const configured = await configureKubelet({
      ...{ folder, program: path.join(programs.kubernetes, 'kubelet'), port: kubeletPort },
      ...{ apiUrl: proxy.url, endpoint: runtime.endpoint, credentials },
    })
    kubelet = configured.start()
    endings.push(() => killContainers(folder))
    endings.push(() => kubelet.stop())
    await until(async () => (await api.client.request('GET', `/api/v1/nodes/${NODE}`)).status === 200, {
      what: 'the node does not appear',
      giveUp: () => kubelet.hasEnded() && `the kubelet has ended\n${kubelet.tail()}`,
    })
    // What a controller manager makes in each namespace.
    await api.client.create('configmaps', {
      metadata: { name: 'kube-root-ca.crt' },
      data: { 'ca.crt': credentials.caPem },
    })
    return { api, proxy, configured }
  }

  let closing
  const close = () => {
    closing ??= down()
    return closing
  }
  async function down() {
    for (const end of endings.reverse()) await end()
    await restoreSettings()
    await removeFolders()
    if (keep) return note(`kept: ${folder}`)
    await removeScratch(folder)
    const left = leftovers(folder)
    if (left.length > 0) throw new StageFailure(`left behind: ${left.join(', ')}`)
  }

  try {
    const { api, proxy, configured } = await up()
    return {
      client: api.client,
      kubeletRoot: configured.root,
      tokenRequests: proxy.answered,
      setOutage: proxy.setOutage,
      stopKubelet: () => kubelet.stop(),
      startKubelet() {
        kubelet = configured.start()
      },
      kubeletLog: () => kubelet.tail(),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
