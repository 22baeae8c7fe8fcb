import type { SourceStatus } from './source-status.js'

/** A metric with one value for each source, read from its status when it is scraped. */
export interface SourceMetric {
  readonly type: 'gauge' | 'counter'
  readonly name: string
  readonly help: string
  /** `undefined`: this source has no such value now. */
  value(source: SourceStatus, nowMs: number): number | undefined
}

/** A metric that is 1 for the label's value that holds and 0 for the others. */
export interface StateMetric {
  readonly name: string
  readonly help: string
  readonly label: string
  /** Every value that the label can have, for this kind of source. */
  values(kind: SourceStatus['kind']): readonly string[]
  holds(source: SourceStatus): readonly string[]
}

const seconds = (ms: number | undefined) => (ms === undefined ? undefined : ms / 1_000)
const flag = (value: boolean) => (value ? 1 : 0)

/** When the life of the token in use began: `iat`, else when it was loaded; Vault's last grant. */
function bornAtMs({ kind, status }: SourceStatus): number | undefined {
  const { token } = status
  if (!token) return undefined
  return kind === 'projected' && 'issuedAtMs' in token
    ? (token.issuedAtMs ?? token.loadedAtMs)
    : 'loggedInAtMs' in token
      ? (token.renewedAtMs ?? token.loggedInAtMs)
      : undefined
}

const since = (atMs: number | undefined, nowMs: number) =>
  atMs === undefined ? undefined : seconds(nowMs - atMs)

/** All failures of a source by their codes; none where its status does not count them. */
export function failureCounts({ status }: SourceStatus): readonly (readonly [code: string, count: number])[] {
  return 'failures' in status ? Object.entries(status.failures) : []
}

export const SOURCE_METRICS: readonly SourceMetric[] = [
  {
    type: 'gauge',
    name: 'projected_token_valid',
    help: '1 while the source has a valid token, else 0.',
    value: ({ status }) => flag(status.state === 'valid'),
  },
  {
    type: 'gauge',
    name: 'projected_token_expiry_timestamp_seconds',
    help: 'Unix time at which the token in use expires. Absent when there is none, or it never does.',
    value: ({ status }) => seconds(status.token?.expiresAtMs),
  },
  {
    type: 'gauge',
    name: 'projected_token_remaining_seconds',
    help: 'Seconds until the token in use expires; negative afterwards.',
    value: ({ status }, nowMs) =>
      status.token?.expiresAtMs === undefined ? undefined : seconds(status.token.expiresAtMs - nowMs),
  },
  {
    type: 'gauge',
    name: 'projected_token_age_seconds',
    help: "Seconds since the token in use was issued (iat, by the issuer's clock) or, for Vault, since its lease was last granted.",
    value: (source, nowMs) => since(bornAtMs(source), nowMs),
  },
  {
    type: 'gauge',
    name: 'projected_token_rotation_due_timestamp_seconds',
    help: 'Unix time from which the kubelet replaces the token (80 % of its life, or 24 h), or at which the Vault token is renewed or replaced.',
    value: ({ kind, status }) =>
      'rotationDueAtMs' in status && kind === 'projected'
        ? seconds(status.rotationDueAtMs)
        : 'renewsAtMs' in status
          ? seconds(status.renewsAtMs ?? status.logsInAtMs)
          : undefined,
  },
  {
    type: 'gauge',
    name: 'projected_token_past_due_seconds',
    help: 'Seconds since the kubelet was due to replace the token; 0 before. Up to about 100 are normal: it looks every 60 to 90 s.',
    value: ({ status }, nowMs) =>
      'rotationDueAtMs' in status && status.rotationDueAtMs !== undefined
        ? Math.max(0, nowMs - status.rotationDueAtMs) / 1_000
        : undefined,
  },
  {
    type: 'gauge',
    name: 'projected_token_overdue',
    help: '1 when the kubelet should have replaced the token by now, its slowest pod sync included; else 0.',
    value: ({ status }) => ('overdue' in status ? flag(status.overdue) : undefined),
  },
  {
    type: 'counter',
    name: 'projected_token_rotations_total',
    help: 'Tokens that replaced another one.',
    value: ({ status }) => ('rotations' in status ? status.rotations : undefined),
  },
  {
    type: 'counter',
    name: 'projected_token_reads_total',
    help: 'Reads of the token file, also failed ones.',
    value: ({ status }) => ('reads' in status ? status.reads : undefined),
  },
  {
    type: 'gauge',
    name: 'projected_token_last_read_timestamp_seconds',
    help: 'Unix time of the last read of the token file.',
    value: ({ status }) => ('lastReadAtMs' in status ? seconds(status.lastReadAtMs) : undefined),
  },
  {
    type: 'gauge',
    name: 'projected_token_failures_in_a_row',
    help: 'Failures since the last success: of reads and refused tokens, or of logins and renewals.',
    value: ({ status }) => (status.lastFailure?.ongoing ? status.lastFailure.count : 0),
  },
  {
    type: 'counter',
    name: 'projected_token_vault_logins_total',
    help: 'Successful logins to Vault.',
    value: ({ status }) => ('logins' in status ? status.logins : undefined),
  },
  {
    type: 'counter',
    name: 'projected_token_vault_renewals_total',
    help: 'Successful renewals of a Vault token.',
    value: ({ status }) => ('renewals' in status ? status.renewals : undefined),
  },
  {
    type: 'gauge',
    name: 'projected_token_vault_lease_seconds',
    help: 'TTL of the last grant of Vault. Absent when there is none, or it never ends.',
    value: ({ status }) =>
      status.token && 'leaseMs' in status.token ? seconds(status.token.leaseMs) : undefined,
  },
]

export const STATE_METRICS: readonly StateMetric[] = [
  {
    name: 'projected_token_state',
    help: '1 for the state that the source is in, 0 for the others.',
    label: 'state',
    values: (kind) => [
      'starting',
      'valid',
      'expired',
      'unavailable',
      ...(kind === 'vault' ? ['failed'] : []),
      'closed',
    ],
    holds: ({ status }) => [status.state],
  },
  {
    name: 'projected_token_watch_state',
    help: "1 for the state of the token file's watch: watching (changes are seen as they happen), polling (timed reads find them) or degraded (the watch missed one).",
    label: 'state',
    values: (kind) => (kind === 'projected' ? ['watching', 'polling', 'degraded'] : []),
    holds: ({ status }) => ('watch' in status ? [status.watch.state] : []),
  },
  {
    name: 'projected_token_warning',
    help: '1 for what an operator should know of the token although it works, else 0.',
    label: 'warning',
    values: (kind) =>
      kind === 'projected'
        ? ['LEGACY_TOKEN', 'UNEXPIRING_TOKEN', 'OPAQUE_TOKEN', 'NOT_YET_VALID']
        : ['ZERO_LEASE', 'ROOT_TOKEN'],
    holds: ({ status }) => status.warnings,
  },
]
