import type { TokenWatcherStatus } from '@projected-token/core'
import { FAKE_CLOCK_START_MS } from '@projected-token/testing'
import type { VaultStatus } from '@projected-token/vault'
import type { Source } from '../../src/source.js'

export const NOW_MS = FAKE_CLOCK_START_MS
export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

const SUBJECT = 'system:serviceaccount:payments:ledger'
const PATH = '/var/run/secrets/tokens/vault-token'

type Overrides<Status extends { token: unknown }> = Omit<Partial<Status>, 'token'> & {
  token?: Partial<NonNullable<Status['token']>> | null
}

/** A token of one hour that is `ageMs` old, watched. */
export function watcherStatus(
  ageMs: number,
  overrides: Overrides<TokenWatcherStatus> = {},
): TokenWatcherStatus {
  const issuedAtMs = NOW_MS - ageMs
  const { token, ...rest } = overrides
  return {
    path: PATH,
    state: 'valid',
    token:
      token === null
        ? undefined
        : {
            kind: 'bound',
            issuer: 'https://kubernetes.default.svc.cluster.local',
            subject: SUBJECT,
            audience: ['vault'],
            issuedAtMs,
            expiresAtMs: issuedAtMs + HOUR,
            warnAfterMs: undefined,
            loadedAtMs: issuedAtMs + 800,
            fingerprint: '3fa9c07be112',
            ...token,
          },
    rotationDueAtMs: token === null ? undefined : issuedAtMs + 0.8 * HOUR,
    overdue: false,
    nextReadAtMs: NOW_MS + 3 * MINUTE + 12_000,
    lastReadAtMs: NOW_MS - MINUTE - 48_000,
    reads: 27,
    failures: {},
    rotations: 4,
    watch: { state: 'watching', directory: '/var/run/secrets/tokens' },
    lastFailure: undefined,
    warnings: [],
    ...rest,
  }
}

/** A Vault token with a lease of 30 min, granted `ageMs` ago. */
export function vaultStatus(ageMs: number, overrides: Overrides<VaultStatus> = {}): VaultStatus {
  const grantedAtMs = NOW_MS - ageMs
  const { token, ...rest } = overrides
  return {
    state: 'valid',
    activity: 'idle',
    address: 'https://vault.infra.svc:8200',
    namespace: undefined,
    method: 'kubernetes',
    mount: 'kubernetes',
    role: 'ledger',
    token:
      token === null
        ? undefined
        : ({
            accessor: 'hmac-accessor-1',
            policies: ['default', 'ledger-read'],
            tokenPolicies: ['default', 'ledger-read'],
            identityPolicies: [],
            numUses: undefined,
            type: 'service',
            entityId: '0a1b2c3d-0000-4000-8000-000000000001',
            metadata: {},
            who: 'payments/ledger',
            renewable: true,
            leaseMs: 30 * MINUTE,
            loggedInAtMs: grantedAtMs - 5 * HOUR,
            renewedAtMs: grantedAtMs,
            expiresAtMs: grantedAtMs + 30 * MINUTE,
            ...token,
          } as NonNullable<VaultStatus['token']>),
    renewsAtMs: grantedAtMs + 20 * MINUTE,
    logsInAtMs: undefined,
    waitsForJwt: false,
    logins: 3,
    renewals: 41,
    lookups: 0,
    refusedJwt: undefined,
    failures: {},
    lastFailure: undefined,
    warnings: [],
    ...rest,
  }
}

const noToken = { token: null, rotations: 0, nextReadAtMs: NOW_MS + 1_000, reads: 3 } as const
const missing = {
  code: 'ERR_TOKEN_NOT_FOUND',
  message: `Token file '${PATH}' does not exist, nor does its directory. Is the volume mounted, and mounted there?`,
  sinceMs: NOW_MS - 4_000,
  count: 3,
  ongoing: true,
} as const

/** What the page must be able to show. */
export const STATES: Record<string, ReadonlyArray<readonly [string, TokenWatcherStatus | VaultStatus]>> = {
  starting: [['vault-token', watcherStatus(0, { ...noToken, state: 'starting', lastFailure: missing })]],
  valid: [['vault-token', watcherStatus(22 * MINUTE)]],
  due: [['vault-token', watcherStatus(48 * MINUTE + 40_000)]],
  overdue: [['vault-token', watcherStatus(53 * MINUTE, { overdue: true })]],
  expired: [
    [
      'vault-token',
      watcherStatus(HOUR + 11 * MINUTE, {
        state: 'expired',
        overdue: true,
        lastFailure: {
          code: 'ERR_TOKEN_EXPIRED',
          message: `The token in '${PATH}' expired at 2025-12-31T23:49:00.000Z, 11 min ago. Has the kubelet stopped rotating it, or is the volume mounted with subPath?`,
          sinceMs: NOW_MS - 11 * MINUTE,
          count: 12,
          ongoing: true,
        },
      }),
    ],
  ],
  unavailable: [
    [
      'vault-token',
      watcherStatus(0, {
        ...noToken,
        state: 'unavailable',
        watch: {
          state: 'degraded',
          reason: 'waiting for "tokens" in "/var/run/secrets"',
          directory: '/var/run/secrets',
        },
        lastFailure: { ...missing, sinceMs: NOW_MS - 3 * MINUTE, count: 14 },
      }),
    ],
  ],
  degraded: [
    [
      'vault-token',
      watcherStatus(5 * MINUTE, {
        watch: {
          state: 'degraded',
          reason: 'the watch missed a change; a timed read found it',
          directory: '/var/run/secrets/tokens',
        },
        lastFailure: {
          code: 'ERR_TOKEN_EMPTY',
          message: `Token file '${PATH}' is empty. A kubelet never leaves it so: what else writes it?`,
          sinceMs: NOW_MS - 2 * HOUR,
          count: 1,
          ongoing: false,
        },
      }),
    ],
  ],
  polling: [
    [
      'vault-token',
      watcherStatus(5 * MINUTE, {
        watch: {
          state: 'polling',
          reason: 'no inotify watch left (ENOSPC): raise fs.inotify.max_user_watches',
        },
      }),
    ],
  ],
  legacy: [
    [
      'default',
      watcherStatus(0, {
        path: '/var/run/secrets/kubernetes.io/serviceaccount/token',
        token: { kind: 'legacy', audience: [], issuedAtMs: undefined, expiresAtMs: undefined },
        rotationDueAtMs: undefined,
        warnings: ['LEGACY_TOKEN'],
      }),
    ],
  ],
  extended: [
    [
      'default',
      watcherStatus(22 * MINUTE, {
        token: { expiresAtMs: NOW_MS + 365 * 24 * HOUR, warnAfterMs: NOW_MS + 38 * MINUTE },
      }),
    ],
  ],
  several: [
    ['api-server', watcherStatus(22 * MINUTE, { token: { audience: ['https://kubernetes.default.svc'] } })],
    ['vault-token', watcherStatus(53 * MINUTE, { overdue: true })],
    ['app', vaultStatus(12 * MINUTE)],
    [
      'batch',
      vaultStatus(0, {
        state: 'unavailable',
        token: null,
        renewsAtMs: undefined,
        logsInAtMs: NOW_MS + 9_000,
        logins: 0,
        renewals: 0,
        lastFailure: {
          code: 'ERR_VAULT_UNAVAILABLE',
          class: 'away',
          message:
            "Vault at https://vault.infra.svc:8200 did not answer the login at mount 'kubernetes' with role 'ledger': connect ECONNREFUSED. Does it run, and may this pod reach it?",
          during: 'login',
          sinceMs: NOW_MS - 2 * MINUTE,
          count: 5,
          ongoing: true,
        } as unknown as NonNullable<VaultStatus['lastFailure']>,
      }),
    ],
  ],
  vault: [['app', vaultStatus(12 * MINUTE)]],
  'long-name': [
    [
      'a-token-whose-name-is-as-long-as-names-may-be-sixty-three-chars',
      watcherStatus(22 * MINUTE, {
        path: `/var/run/secrets/${'a-directory-with-a-long-name/'.repeat(6)}token`,
        token: {
          issuer: `https://oidc.eks.eu-central-1.amazonaws.com/id/${'0123456789ABCDEF'.repeat(4)}`,
          audience: [
            'sts.amazonaws.com',
            'https://a-very-long-audience.example.internal/with/a/path',
            'vault',
          ],
        },
      }),
    ],
  ],
  hostile: [
    [
      'vault-token',
      watcherStatus(22 * MINUTE, {
        token: {
          subject:
            'system:serviceaccount:\u202enimda\u202c:<img src=x onerror="document.title=1">\u0007\u0000',
          issuer: 'https://x/\'"><script>document.title = 2</script>',
          audience: ['שלום עולם', '</bdi></dd></main><h1>gone</h1>', '\u2066a\u2069\u200bb'],
        },
      }),
    ],
  ],
}

/** Sources that stand still in one of {@link STATES}. */
export function stillSources(state: string): Source[] {
  const found = STATES[state]
  if (!found) throw new Error(`There is no state ${state}`)
  return found.map(([name, status]) => {
    const kind = 'address' in status ? 'vault' : 'projected'
    const provider = { status: () => status, on: () => provider, off: () => provider }
    return { kind, name, provider } as unknown as Source
  })
}
