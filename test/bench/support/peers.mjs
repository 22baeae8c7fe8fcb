/** What these benchmarks compare with: no dependencies of the workspace, but installed once into the user's cache. */
import { createHash } from 'node:crypto'
import { cachedInstall } from '../../check/support/cached-install.mjs'

/** The newest versions; of @azure/identity the newest that runs on Node 20. */
const PEERS = {
  '@kubernetes/client-node': '2.0.1',
  '@azure/identity': '4.13.1',
}

const installs = new Map()

/**
 * Finds a peer.
 *
 * @returns { version, folder } with the folder that holds its node_modules, or { version, reason } when it is not to
 *   be had
 */
export function findPeer(name) {
  if (!installs.has(name)) installs.set(name, install(name, PEERS[name]))
  return installs.get(name)
}

async function install(name, version) {
  const spec = `${name}@${version}`
  const hash = createHash('sha256').update(spec).digest('hex').slice(0, 12)
  try {
    return { version, folder: await cachedInstall(`bench-peers-${hash}`, spec) }
  } catch (error) {
    const lines = error.message.split('\n')
    const reason = lines.find((line) => line.startsWith('npm error')) ?? lines[0]
    return { version, reason: `not installed: ${reason.slice(0, 60)}` }
  }
}
