import type { HeldToken } from './held-token.js'
import type { ProviderSettings } from './provider-settings.js'
import type { SessionLoop } from './session-loop-types.js'
import type { VaultState, VaultStatus, VaultTokenStatus } from './vault-types.js'

/** Which state an operator sees. */
export function stateOf(
  loop: SessionLoop,
  phase: { readonly closed: boolean; readonly starting: boolean },
): VaultState {
  if (phase.closed) return 'closed'
  if (loop.isUsable()) return 'valid'
  if (loop.session.plan.action === 'stop') return 'failed'
  if (loop.held) return 'expired'
  return phase.starting ? 'starting' : 'unavailable'
}

/** Puts the status together: all that an operator may see, nothing that is secret. */
export function describeProvider(
  loop: SessionLoop,
  settings: ProviderSettings,
  state: VaultState,
): VaultStatus {
  const { clock, address, namespace, method, mount, role } = settings
  const { session, held } = loop
  const { plan, refusedJwts } = session
  const isOpen = state !== 'closed'
  const toWallMs = (atMs: number) => Math.round(clock.now() + atMs - clock.monotonicNow())
  const planned = (action: typeof plan.action) =>
    isOpen && plan.action === action && Number.isFinite(plan.atMs) ? toWallMs(plan.atMs) : undefined
  const refused = refusedJwts.at(-1)
  return {
    state,
    activity: loop.activity,
    address: address.text,
    namespace,
    method,
    mount,
    role,
    token: held && describeToken(held),
    renewsAtMs: planned('renew'),
    logsInAtMs: planned('login'),
    waitsForJwt: isOpen && plan.onNewJwt === true,
    ...loop.counts,
    refusedJwt: refused && { fingerprint: refused.fingerprint, sinceMs: toWallMs(refused.atMs) },
    failures: loop.failures.counts(),
    lastFailure: loop.failures.status(),
    warnings:
      held?.lease.kind === 'zero' ? ['ZERO_LEASE'] : held?.lease.kind === 'root' ? ['ROOT_TOKEN'] : [],
  }
}

function describeToken({ auth, lease, token, loggedInAtMs, renewedAtMs }: HeldToken): VaultTokenStatus {
  const { service_account_namespace: namespace, service_account_name: name } = auth.metadata
  return {
    accessor: auth.accessor,
    policies: [...auth.tokenPolicies, ...auth.identityPolicies],
    tokenPolicies: auth.tokenPolicies,
    identityPolicies: auth.identityPolicies,
    numUses: auth.numUses > 0 ? auth.numUses : undefined,
    type: auth.type,
    entityId: auth.entityId,
    metadata: auth.metadata,
    who: namespace !== undefined && name !== undefined ? `${namespace}/${name}` : auth.entityId,
    renewable: lease.kind === 'renewable',
    leaseMs: Number.isFinite(lease.ttlMs) ? lease.ttlMs : undefined,
    loggedInAtMs,
    renewedAtMs,
    expiresAtMs: token.expiresAtMs,
  }
}
