/** What one row of the matrix needs besides its clients: a kubelet, and for each adapter a server that verifies. */
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { startFakeKubelet } from '@projected-token/testing'
import { startElsewhere } from './elsewhere.mjs'
import { startGrpcServer } from './grpc-server.mjs'
import { startHttpServer } from './http-server.mjs'

const run = promisify(execFile)
const AUDIENCE = 'api'
const SUBJECT = 'system:serviceaccount:default:build-robot'
/** Far more than a fault lasts. */
export const LONG_SECONDS = 3_600

/**
 * @param {import('../faults/context.mjs').Fault} fault
 * @param {string[]} adapters
 * @param {(thing: { close: () => Promise<unknown> }) => any} toClose closes it at the end, in reverse order
 */
export async function startWorld(fault, adapters, vaults, toClose) {
  const directory = await mkdtemp(path.join(await realpath(tmpdir()), 'projected-token-faults-'))
  toClose({ close: () => rm(directory, { recursive: true, force: true }) })
  await chmod(directory, 0o755)
  const kubelet = toClose(
    await startFakeKubelet({
      directory: path.join(directory, 'volume'),
      ...{ audience: AUDIENCE, expirationSeconds: LONG_SECONDS, autoRotate: false, ...fault.kubelet },
    }),
  )
  const servers = {}
  for (const adapter of adapters) {
    if (adapter === 'vault') continue
    servers[adapter] = toClose(await (adapter === 'grpc' ? startGrpcServer : startHttpServer)(kubelet))
  }
  if (adapters.includes('vault') || fault.launch === 'agent')
    servers.vault = toClose(await vaults.open(kubelet, fault.vault))
  const elsewhere = toClose(await startElsewhere())
  return {
    ...{ directory, kubelet, servers, elsewhere, launch: fault.launch },
    watcher: {
      path: kubelet.path,
      ...{ audience: AUDIENCE, issuer: kubelet.issuer, subject: SUBJECT, reloadIntervalMs: 1_000 },
      ...fault.watcher,
    },
    async prepareSinkFolder(folder) {
      if (fault.smallSinkDisk) {
        await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder])
        toClose({ close: () => run('umount', ['--lazy', folder]) })
      }
      // Its writer may be another user.
      await chmod(folder, 0o777)
    },
  }
}
