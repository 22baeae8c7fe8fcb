import path from 'node:path'
import { startProcess, until } from '../support/process.mjs'
import { createApiClient } from './api-client.mjs'

/** A URL, as in clusters of today; it is also the audience of tokens for the API server itself. */
export const ISSUER = 'https://kubernetes.default.svc'

/** @returns { url, client, process } of an API server that is ready */
export async function startApiServer({ folder, program, port, etcdUrl, credentials }) {
  const { paths, caPem, adminToken } = credentials
  const process = startProcess(
    program,
    [
      `--etcd-servers=${etcdUrl}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
      `--tls-cert-file=${paths.certificate}`,
      `--tls-private-key-file=${paths.key}`,
      `--service-account-issuer=${ISSUER}`,
      `--api-audiences=${ISSUER}`,
      `--service-account-key-file=${paths.verificationKey}`,
      `--service-account-signing-key-file=${paths.signingKey}`,
      `--token-auth-file=${paths.users}`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      '--service-cluster-ip-range=10.96.0.0/24',
      // There is no service behind which several API servers would stand.
      '--endpoint-reconciler-type=none',
      // For `exec`: the kubelet asks who wants that.
      `--kubelet-client-certificate=${paths.certificate}`,
      `--kubelet-client-key=${paths.key}`,
      `--kubelet-certificate-authority=${paths.ca}`,
      '--kubelet-preferred-address-types=Hostname',
      `--cert-dir=${path.join(folder, 'api-server')}`,
    ],
    { log: path.join(folder, 'api-server.log') },
  )
  const url = `https://127.0.0.1:${port}`
  const client = createApiClient({ url, ca: caPem, token: adminToken })
  try {
    await until(async () => (await client.request('GET', '/readyz')).status === 200, {
      what: 'the API server is not ready',
      giveUp: () => process.hasEnded() && `it has ended\n${process.tail()}`,
    })
  } catch (error) {
    await process.stop()
    throw error
  }
  return { url, client, process }
}
