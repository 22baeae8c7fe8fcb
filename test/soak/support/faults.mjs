/**
 * What goes wrong, drawn at random. Two lanes run beside each other, one fault at a time in each: faults of the token's
 * file, and of everything else.
 *
 * A fault is { name, holdMs, explains?, keepsFromReading?, begin(context, random) }. `begin` resolves with what ends it; `holdMs` is how
 * long it stays, from and to. `explains` names the clients whose requests may break meanwhile (`all` for all of them): a
 * connection that is reset is no refusal. Nothing explains a refusal but the perfect client's own, and for a second the end
 * of a fault that `keepsFromReading`.
 */
import { CONTENT_FAULTS } from '../../faults/faults/content.mjs'
import { MOUNT_FAULTS } from '../../faults/faults/mount.mjs'
import { WRITING_FAULTS } from '../../faults/faults/writing.mjs'
import { between, choose } from './random.mjs'

const over = async () => {}
const MOMENT_MS = [0, 0]
const A_WHILE_MS = [500, 12_000]
const IN_CLIENTS = ['fetch', 'undici', 'grpc']
const OVER_HTTP = ['fetch', 'undici', 'grpc', 'sidecar proxy', 'token endpoint']

const OWN_FILE_FAULTS = [
  {
    name: 'rotation with another life',
    holdMs: MOMENT_MS,
    async begin({ kubelet }, random) {
      await kubelet.rotate({ expirationSeconds: between(random, 20, 180) })
      return over
    },
  },
  {
    name: 'burst of rotations',
    holdMs: MOMENT_MS,
    async begin({ kubelet }, random) {
      await kubelet.burst(between(random, 2, 20))
      return over
    },
  },
  {
    name: 'TokenRequests fail, past the expiry',
    holdMs: [20_000, 75_000],
    async begin({ kubelet }) {
      kubelet.setOutage(true)
      return async () => kubelet.setOutage(false)
    },
  },
  {
    name: 'token revoked, replaced later',
    holdMs: [1_000, 8_000],
    async begin({ kubelet, server }) {
      const { jti } = decodeClaims(kubelet.current.token)
      await server.call('revoke', { jti })
      return () => kubelet.rotate()
    },
  },
]

/** They last longer than this run may: for all tokens to come, or only for clients without expectations. */
const UNSUITABLE = ['iat and nbf 50 s ahead', 'legacy token, where no audience is expected']

/** Those of the matrix (test/faults) that need nothing but the kubelet. */
const MATRIX_FILE_FAULTS = [...WRITING_FAULTS, ...MOUNT_FAULTS, ...CONTENT_FAULTS]
  .filter(({ name, needs, first, launch }) => !needs && !first && !launch && !UNSUITABLE.includes(name))
  .filter(({ kubelet }) => kubelet?.writer === undefined)
  .map(({ name, apply }) => ({ name, holdMs: A_WHILE_MS, begin: (context) => beginOfMatrix(apply, context) }))

async function beginOfMatrix(apply, context) {
  const end = await apply(context)
  return async () => {
    await end()
    // A token without an expiry is never due, and would stay.
    if (context.kubelet.current.expiresAtMs === undefined) await context.kubelet.rotate()
  }
}

const ofServer = (name, kind, holdMs, explains) => ({
  name,
  holdMs,
  explains,
  async begin({ server }, random) {
    await server.call('setFault', { kind, delayMs: between(random, 50, 1_500) })
    return () => server.call('setFault', { kind: 'none' })
  },
})

const SERVER_FAULTS = [
  ofServer('server slow', 'slow', A_WHILE_MS, []),
  ofServer('server resets connections', 'reset', [500, 4_000], OVER_HTTP),
  ofServer('server ends connections without an answer', 'half-close', [500, 4_000], OVER_HTTP),
  ofServer('server refuses everything', 'refuse-all', [500, 6_000], []),
  ofServer('server redirects elsewhere', 'redirect', [500, 6_000], []),
]

const STOPPED_MS = [1_000, 25_000]
const PROCESS_FAULTS = [
  {
    name: 'clients stopped (SIGSTOP)',
    holdMs: STOPPED_MS,
    explains: ['all'],
    keepsFromReading: IN_CLIENTS,
    async begin({ clients }) {
      process.kill(clients.pid, 'SIGSTOP')
      return async () => void process.kill(clients.pid, 'SIGCONT')
    },
  },
  {
    name: 'sidecar stopped (SIGSTOP)',
    holdMs: STOPPED_MS,
    explains: ['sidecar proxy', 'token endpoint'],
    keepsFromReading: ['sidecar proxy', 'token endpoint'],
    async begin({ sidecar, clients }) {
      // A perfect client in its place would be stopped, too: what lies there only meanwhile, neither can have.
      await clients.call('stopPerfectSidecar', { stopped: true })
      process.kill(sidecar.pid, 'SIGSTOP')
      return async () => {
        process.kill(sidecar.pid, 'SIGCONT')
        await clients.call('stopPerfectSidecar', { stopped: false })
      }
    },
  },
  {
    name: 'event loop of the clients blocked',
    holdMs: MOMENT_MS,
    explains: ['all'],
    keepsFromReading: IN_CLIENTS,
    async begin({ clients }, random) {
      await clients.call('block', { ms: between(random, 200, 10_000) })
      return over
    },
  },
  {
    name: 'no file descriptor left in the clients (EMFILE)',
    holdMs: MOMENT_MS,
    explains: ['all'],
    keepsFromReading: IN_CLIENTS,
    async begin({ clients }, random) {
      await clients.call('exhaustFiles', { ms: between(random, 500, 12_000) })
      return over
    },
  },
]

/** Shorter than what is left of a lease that is not renewed: after that, a login is spread on purpose. */
const VAULT_AWAY_MS = [500, 5_000]
/** Logins for a dead token are a minute apart, and spread for a minute after Vault was away: also on purpose. */
const VAULT_QUIET_MS = 75_000

const ofVault = (name, holdMs, begin) => ({
  name,
  holdMs,
  explains: ['vault'],
  begin: async (context) => {
    const end = await begin(context)
    return async () => {
      await end()
      context.vaultTouchedAtMs = Date.now()
    }
  },
})

const VAULT_FAULTS = [
  ofVault('Vault sealed', VAULT_AWAY_MS, async ({ vault }) => {
    await vault.seal()
    return () => vault.unseal()
  }),
  ofVault('Vault stopped (SIGSTOP)', VAULT_AWAY_MS, async ({ vault }) => {
    await vault.stop()
    return async () => vault.cont()
  }),
  ofVault('Vault killed and started again', MOMENT_MS, async ({ vault }) => {
    await vault.restart()
    return over
  }),
  {
    ...ofVault('Vault tokens revoked', MOMENT_MS, async ({ vault }) => {
      await vault.revokeLogins()
      return over
    }),
    explains: [],
    isPossible: ({ vaultTouchedAtMs = 0 }) => Date.now() - vaultTouchedAtMs > VAULT_QUIET_MS,
  },
]

export const FILE_FAULTS = [...OWN_FILE_FAULTS, ...MATRIX_FILE_FAULTS]
export const OTHER_FAULTS = [...SERVER_FAULTS, ...PROCESS_FAULTS, ...VAULT_FAULTS]

/**
 * Draws faults until told to stop, and lets each end.
 *
 * @param log gets { name, explains, fromMs, toMs? } at the beginning; `toMs` is set at the end
 * @param onError is told of a fault that could not be made or ended
 */
export async function runLane({
  faults,
  context,
  random,
  shouldStop,
  log,
  onError,
  restMs = [1_000, 12_000],
}) {
  while (!shouldStop()) {
    await pause(between(random, ...restMs))
    if (shouldStop()) return
    const possible = faults.filter(({ isPossible = () => true }) => isPossible(context))
    const fault = choose(random, possible)
    const { name, explains = [], keepsFromReading = [] } = fault
    const entry = { name, explains, keepsFromReading, fromMs: Date.now() }
    log(entry)
    try {
      const end = await fault.begin(context, random)
      await pause(between(random, ...fault.holdMs))
      await end()
    } catch (error) {
      onError(`'${name}': ${error.stack}`)
    }
    entry.toMs = Date.now()
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const decodeClaims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString())
