import type { Token } from '@projected-token/core'
import { abortable, createEventHub, createFirstToken } from '@projected-token/core/provider'
import { judgeForbidden } from './classify-answer.js'
import { describeProvider, stateOf } from './describe-provider.js'
import { noTokenYet, providerClosed } from './no-token.js'
import { registerInside } from './provider-registry.js'
import { resolveSettings } from './provider-settings.js'
import { createSessionLoop } from './session-loop.js'
import { createVaultClient } from './vault-client.js'
import { createVaultConnection } from './vault-connection.js'
import type { VaultError } from './vault-error.js'
import type { VaultEvents, VaultState, VaultTokenProvider, VaultTokenProviderOptions } from './vault-types.js'
import { warnOfZeroLease } from './vault-warnings.js'

/** What is later than this was slept through: the process, or the machine, was suspended. */
const WAKE_GRACE_MS = 2_000
/** How long `close()` may take to revoke a token. */
const REVOKE_TIMEOUT_MS = 2_000

/**
 * Logs in to Vault (or OpenBao) with the JWT of a token provider, renews the Vault token, and logs in again when that
 * ends: by an explicit state machine, which `status()` shows. It starts at once and never gives an expired token.
 *
 * @throws TypeError or RangeError for bad arguments, and for nothing else: what Vault says is a matter of `getToken()`.
 */
export function createVaultTokenProvider(options: VaultTokenProviderOptions): VaultTokenProvider {
  const settings = resolveSettings(options)
  const { clock, address, namespace, mount, role, startupTimeoutMs } = settings
  const place = { address: address.text, namespace, mount, role }
  const connection = createVaultConnection(settings)
  const client = createVaultClient(connection, mount, role)
  const hub = createEventHub<VaultEvents>([
    'login',
    'renewed',
    'failed',
    'recovered',
    'jwtRefused',
    'expired',
    'state',
  ])
  const closing = new AbortController()
  const firstToken = createFirstToken(clock, startupTimeoutMs, reason)
  /** Until when, by the wall clock, the token in use is given without a look at anything else. */
  let freshUntilMs = Number.NEGATIVE_INFINITY
  let toldState: VaultState = 'starting'
  let closed: Promise<void> | undefined

  const loop = createSessionLoop(
    settings,
    client,
    place,
    {
      loggedIn(held, previous) {
        // Before anybody hears of it: who asks at once is given this token, at no cost.
        refresh()
        firstToken.resolve(held.token)
        if (held.lease.kind === 'zero') warnOfZeroLease(address, mount, role)
        hub.emit('login', { token: held.token, previous: previous?.token, accessor: held.auth.accessor })
      },
      renewed({ token, lease }) {
        refresh()
        hub.emit('renewed', { token, leaseMs: lease.ttlMs })
      },
      failed(error, failure, fingerprint) {
        if (failure === 'jwt-refused' && fingerprint !== undefined)
          hub.emit('jwtRefused', { fingerprint, error })
        if (loop.failures.status()?.count === 1) hub.emit('failed', { error, class: failure })
      },
      recovered: (row) => hub.emit('recovered', row),
      expired: ({ token }) => hub.emit('expired', { token }),
      settled,
    },
    closing.signal,
  )

  function settled(): void {
    if (loop.session.plan.action === 'stop' && !loop.held) firstToken.reject(reason())
    refresh()
    const state = currentState()
    if (state === toldState) return
    const from = toldState
    toldState = state
    hub.emit('state', { from, to: state })
  }

  function refresh(): void {
    const isSure = !closed && loop.isUsable() && !loop.isInDoubt
    const expiresAtMs = loop.held?.token.expiresAtMs ?? Number.POSITIVE_INFINITY
    const dueInMs = loop.nextAtMs - clock.monotonicNow()
    freshUntilMs = isSure
      ? Math.min(expiresAtMs, clock.now() + dueInMs + WAKE_GRACE_MS)
      : Number.NEGATIVE_INFINITY
  }

  function currentState(): VaultState {
    return stateOf(loop, { closed: closed !== undefined, starting: !firstToken.isOver() })
  }

  /** The way of a `getToken()` that finds no fresh token at hand. */
  async function obtain(signal: AbortSignal | undefined): Promise<Token> {
    if (closed) throw providerClosed(place)
    if (loop.isUsable() && !loop.isInDoubt) {
      // Late by the wall clock: the timers slept. What is due begins now; the caller need not wait for it.
      if (loop.activity === 'idle' && Number.isFinite(freshUntilMs)) loop.wake()
      void loop.run()
      refresh()
      return tokenInUse()
    }
    if (!loop.held && !firstToken.isOver()) return firstToken.wait(signal)
    await (loop.isUsable() ? loop.run() : loop.runOnDemand())
    return tokenInUse()
  }

  /** A login under way is the one that is wanted; the result of anything else would be taken for it. */
  async function logIn(): Promise<Token> {
    if (loop.activity !== 'login') {
      if (loop.activity !== 'idle') await loop.run()
      loop.tell({ type: 'login-requested', byHand: true })
    }
    await loop.run()
    return tokenInUse()
  }

  function tokenInUse(): Token {
    if (closed) throw providerClosed(place)
    if (!loop.held || !loop.isUsable()) throw reason()
    return loop.held.token
  }

  function reason(): VaultError {
    return loop.failures.ongoing ?? noTokenYet(place, loop, clock)
  }

  const provider: VaultTokenProvider = {
    get current() {
      return clock.now() < freshUntilMs ? loop.held?.token : undefined
    },
    getToken(getOptions) {
      if (getOptions?.signal?.aborted) return Promise.reject(getOptions.signal.reason)
      if (clock.now() < freshUntilMs && loop.held) return loop.held.promise
      return abortable(() => obtain(getOptions?.signal), getOptions?.signal)
    },
    invalidate(rejected, errors) {
      // By the monotonic clock alone: the wall clock may have been set, and the token be good.
      const { lease } = loop.session
      const isOver = lease === undefined || lease.expiresAtMs <= clock.monotonicNow()
      // Without a token to use, the refusal of an older one shows as well that Vault answers again.
      const isStale = rejected.token !== loop.held?.token.token && !isOver
      if (closed || isStale) return
      const verdict = errors === undefined ? 'ambiguous' : judgeForbidden(errors)
      if (verdict === 'unrelated') return
      // A token that has ended is beyond doubt.
      if (verdict === 'dead' || isOver) loop.tell({ type: 'token-dead', certain: true })
      else loop.wantLook()
      refresh()
      void loop.run()
    },
    async login(getOptions) {
      if (closed) throw providerClosed(place)
      getOptions?.signal?.throwIfAborted()
      return abortable(logIn, getOptions?.signal)
    },
    status: () => describeProvider(loop, settings, currentState()),
    on(event, listener) {
      hub.on(event, listener)
      return provider
    },
    once(event, listener) {
      hub.once(event, listener)
      return provider
    },
    off(event, listener) {
      hub.off(event, listener)
      return provider
    },
    close() {
      closed ??= close()
      return closed
    },
    [Symbol.asyncDispose]: () => provider.close(),
  }

  async function close(): Promise<void> {
    freshUntilMs = Number.NEGATIVE_INFINITY
    firstToken.reject(providerClosed(place))
    const stopping = loop.stop()
    hub.emit('state', { from: toldState, to: 'closed' })
    hub.clear()
    if (settings.revokeOnClose) await revoke(stopping)
    closing.abort()
    await stopping
    loop.held?.release()
    await connection.close()
  }

  /** Also what a login under way still gives, if that comes in time. */
  async function revoke(stopping: Promise<void>): Promise<void> {
    const late = new AbortController()
    const cancel = clock.setTimer(
      () => {
        late.abort()
        closing.abort()
      },
      REVOKE_TIMEOUT_MS,
      { keepAlive: true },
    )
    await stopping
    const held = loop.held
    const isOurs = held?.auth.type === 'service' && held.lease.kind !== 'root' && held.release()
    if (isOurs && loop.isUsable() && !late.signal.aborted) await client.revoke(held.token.token, late.signal)
    cancel()
  }

  registerInside(provider, { connection, sawAway: () => loop.tell({ type: 'away-seen' }) })
  void loop.run()
  return provider
}
