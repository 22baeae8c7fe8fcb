import type { FailureClass } from './classify-answer.js'
import { describeFailure, type FailedAttempt, type LoginPlace } from './describe-failure.js'
import { failureEvent } from './failure-event.js'
import { createFailureLog } from './failure-log.js'
import { type HeldToken, holdNewToken, isGood } from './held-token.js'
import { isAnotherIdentity, type JwtIdentity } from './jwt-identity.js'
import { leaseOf } from './lease.js'
import { dueTask, isLoginOnDemand, nextDueAtMs } from './next-task.js'
import type { ProviderSettings } from './provider-settings.js'
import { peekJwt, readJwt } from './read-jwt.js'
import { renewalTimeLimitMs } from './renewal-plan.js'
import { advance, isRefused, startSession } from './session.js'
import type { LoopObserver, SessionLoop } from './session-loop-types.js'
import type { SessionEvent } from './session-types.js'
import { createTokenDoubt } from './token-doubt.js'
import type { Outcome, VaultClient } from './vault-client.js'
import type { VaultStatus } from './vault-types.js'

/** How often a provider of JWTs is asked for another one, while a login waits for it. It is no request to Vault. */
const JWT_POLL_MS = 5_000

export function createSessionLoop(
  settings: ProviderSettings,
  client: VaultClient,
  place: LoginPlace,
  observer: LoopObserver,
  closing: AbortSignal,
): SessionLoop {
  const { clock, random, keepAlive, loginSpreadMs } = settings
  const failures = createFailureLog()
  const doubt = createTokenDoubt(clock)
  const counts = { logins: 0, renewals: 0, lookups: 0 }
  let session = startSession(clock.monotonicNow())
  let held: HeldToken | undefined
  let activity: VaultStatus['activity'] = 'idle'
  let running: Promise<void> | undefined
  let isRunning = false
  let isStopped = false
  let isAskingForJwt = false
  let pollAtMs = 0
  let expiryTold: HeldToken | undefined
  let cancelTimer = () => {}

  const tell = (event: SessionEvent) => {
    const { plan } = session
    session = advance(session, event, { nowMs: clock.monotonicNow(), random, loginSpreadMs })
    // Only by a new plan: what changes nothing, however often, does not put the poll off.
    if (session.plan !== plan && session.plan.onNewJwt) pollAtMs = clock.monotonicNow() + JWT_POLL_MS
  }

  const isUsable = () => held !== undefined && isGood(held, session.lease, clock)
  const agenda = () => ({ session, lookAtMs: doubt.dueAtMs, pollAtMs, isUsable: isUsable() })
  const due = () => (isStopped ? undefined : dueTask(agenda(), clock.monotonicNow()))

  /** While a request is under way, only the token's end is a moment of its own. */
  function nextAtMs(): number {
    const endAtMs = (expiryTold !== held && session.lease?.expiresAtMs) || Number.POSITIVE_INFINITY
    return isRunning ? endAtMs : Math.min(nextDueAtMs(agenda()), endAtMs)
  }

  async function work(): Promise<void> {
    const tasks = { look, renew, login, poll }
    for (let task = due(); task; task = due()) {
      const done = tasks[task]()
      settle()
      await done
      if (task === 'login') doubt.close(false)
      activity = 'idle'
      settle()
    }
    // In the same breath as the last look at what is due: whoever asks from now on starts a new round.
    running = undefined
    isRunning = false
    settle()
  }

  function run(): Promise<void> {
    if (isRunning) return running ?? Promise.resolve()
    if (!due()) {
      settle()
      return Promise.resolve()
    }
    isRunning = true
    running = work()
    return running
  }

  function settle(): void {
    if (held && expiryTold !== held && !isUsable()) {
      expiryTold = held
      observer.expired(held)
    }
    observer.settled()
    cancelTimer()
    const atMs = nextAtMs()
    if (isStopped || atMs === Number.POSITIVE_INFINITY) return
    cancelTimer = clock.setTimer(isRunning ? settle : run, Math.max(0, atMs - clock.monotonicNow()), {
      keepAlive,
    })
  }

  async function login(): Promise<void> {
    activity = 'login'
    isAskingForJwt = true
    const read = await readJwt(settings, (jwt) => isRefused(session, jwt.fingerprint), closing)
    isAskingForJwt = false
    if ('cause' in read) return fail('login', 'jwt-unavailable', { kind: 'jwt', cause: read.cause })
    const { secret, identity } = read
    if (isRefused(session, identity.fingerprint)) return tell({ type: 'jwt-unchanged' })
    const result = await client.login(secret, closing)
    activity = 'idle'
    settled(result, 'login', secret, identity)
  }

  async function renew(): Promise<void> {
    if (!held) return
    activity = 'renewal'
    const { token } = held.token
    const identity = session.loggedInAs?.who === undefined ? undefined : await peekJwt(settings, closing)
    if (identity && isAnotherIdentity(session.loggedInAs, identity)) return tell({ type: 'identity-changed' })
    const limitMs = renewalTimeLimitMs(held.lease, session.loginFailures > 0, clock.monotonicNow())
    settled(await client.renew(token, limitMs, closing), 'renewal', token)
  }

  /** Takes in what came of a request. */
  function settled(result: Outcome, during: 'login' | 'renewal', secret: string, jwt?: JwtIdentity): void {
    if ('failure' in result) {
      fail(during, result.failure, result.answer, secret, jwt)
      return
    }
    const previous = held
    const renewed = jwt === undefined ? previous : undefined
    const lease = leaseOf(result.auth, result.sentAtMs, renewed?.lease)
    // Given up while its renewal was under way.
    if (jwt === undefined && session.lease === undefined) return
    held = holdNewToken(result.auth, lease, clock, renewed)
    if (jwt === undefined) {
      counts.renewals++
      tell({ type: 'renew-succeeded', lease })
      observer.renewed(held)
    } else {
      counts.logins++
      previous?.release()
      doubt.close(true)
      tell({ type: 'login-succeeded', lease, jwt })
      observer.loggedIn(held, previous)
    }
    const row = failures.succeed()
    if (row) observer.recovered(row)
  }

  function fail(
    during: 'login' | 'renewal',
    failure: FailureClass,
    answer: FailedAttempt,
    secret = '',
    jwt?: JwtIdentity,
  ): void {
    tell(failureEvent(during, failure, answer, jwt?.fingerprint))
    if (failure === 'aborted') return
    const described = describeFailure(during, failure, answer, place, [secret])
    const isFirst = failures.fail(described, failure, during, clock.now())
    if (isFirst || failure === 'jwt-refused') observer.failed(described, failure, jwt?.fingerprint)
  }

  async function look(): Promise<void> {
    const looked = session.lease && held
    // A look would use up one of such a token's uses.
    const isRequest = looked?.auth.numUses === 0
    doubt.look(isRequest)
    if (looked) {
      if (isRequest) activity = 'lookup'
      if (isRequest) counts.lookups++
      const result = isRequest ? await client.look(looked.token.token, closing) : 'denied'
      if (result === 'dead' || result === 'denied') tell({ type: 'token-dead', certain: result === 'dead' })
    }
    doubt.settle(session.plan.action === 'login' && session.plan.atMs <= clock.monotonicNow())
  }

  async function poll(): Promise<void> {
    pollAtMs = clock.monotonicNow() + JWT_POLL_MS
    const fingerprint = (await peekJwt(settings, closing))?.fingerprint
    if (fingerprint === undefined || fingerprint === session.lastJwt) return
    if (!isRefused(session, fingerprint)) tell({ type: 'login-requested' })
  }

  return {
    get session() {
      return session
    },
    get held() {
      return held
    },
    get activity() {
      return activity
    },
    get isAskingForJwt() {
      return isAskingForJwt
    },
    get nextAtMs() {
      return nextAtMs()
    },
    get isInDoubt() {
      return doubt.isOpen
    },
    counts,
    failures,
    isUsable,
    run,
    async runOnDemand() {
      await running
      if (isUsable()) return
      const nowMs = clock.monotonicNow()
      if (session.plan.onNewJwt) pollAtMs = nowMs
      // By either clock, each of which may have stood still.
      const ageMs = Math.max(nowMs - session.loggedInAtMs, Math.abs(clock.now() - (held?.loggedInAtMs ?? 0)))
      if (isLoginOnDemand(session, ageMs)) tell({ type: 'login-requested' })
      await run()
    },
    tell,
    wantLook: doubt.raise,
    wake: () => tell({ type: 'slept' }),
    async stop() {
      isStopped = true
      cancelTimer()
      await running
    },
  }
}
