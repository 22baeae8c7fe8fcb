import type { Clock } from '@projected-token/core'
import { abortable } from '@projected-token/core/provider'
import type { Answer } from './answer.js'

/** One login, as far as others may share it. */
export interface LoginFlight {
  /** Address, namespace, mount and role: one login at a time. */
  readonly key: string
  /** Which of them may share an answer: the same JWT, sent by the same settings. */
  readonly sameAs: string
  send(): Promise<Answer>
  /** Ends the wait for somebody else's login, which goes on. */
  readonly signal: AbortSignal
}

interface Running {
  readonly sameAs: string
  readonly answer: Promise<Answer>
}

/**
 * The logins under way in this process, by the clock of their providers (an answer's times mean nothing by another
 * clock). The only state that providers share.
 */
const flights = new WeakMap<Clock, Map<string, Running>>()
/** How many providers use one Vault token, by its fingerprint: only the last one may revoke it. */
const holders = new Map<string, number>()

/**
 * Logs in, one at a time for each key in this process: whoever asks with the same JWT meanwhile gets the same answer,
 * and the same token; whoever asks with another one waits.
 *
 * @throws the signal's reason, when it ends the wait
 */
export async function logInOnce(clock: Clock, flight: LoginFlight): Promise<Answer> {
  const ofClock = flights.get(clock) ?? new Map<string, Running>()
  flights.set(clock, ofClock)
  for (;;) {
    const running = ofClock.get(flight.key)
    if (running === undefined) break
    const answer = await abortable(() => running.answer, flight.signal)
    // A provider that was closed during its login leaves the others without an answer: they ask themselves.
    const isAbandoned = answer.kind === 'none' && answer.why === 'aborted'
    if (running.sameAs === flight.sameAs && !isAbandoned) return answer
  }
  const answer = flight.send().finally(() => ofClock.delete(flight.key))
  ofClock.set(flight.key, { sameAs: flight.sameAs, answer })
  return answer
}

/** Notes that a provider uses a token. @returns a function that ends it and says whether nobody else does. */
export function holdToken(fingerprint: string): () => boolean {
  holders.set(fingerprint, (holders.get(fingerprint) ?? 0) + 1)
  let isHeld = true
  return () => {
    if (!isHeld) return false
    isHeld = false
    const rest = (holders.get(fingerprint) ?? 1) - 1
    if (rest > 0) holders.set(fingerprint, rest)
    else holders.delete(fingerprint)
    return rest === 0
  }
}
