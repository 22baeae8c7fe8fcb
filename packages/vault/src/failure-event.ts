import { type FailureClass, judgeForbidden } from './classify-answer.js'
import type { FailedAttempt } from './describe-failure.js'
import { redact } from './redact.js'
import type { SessionEvent } from './session-types.js'

/** What the session is told of a failed attempt: it decides, and knows no secret. */
export function failureEvent(
  during: 'login' | 'renewal',
  failure: FailureClass,
  answer: FailedAttempt,
  jwt: string | undefined,
): SessionEvent {
  const retryAfterMs = answer.kind === 'http' ? answer.retryAfterMs : undefined
  if (during === 'login') return { type: 'login-failed', failure, retryAfterMs, jwt }
  // Of 5xx only a 500 is Vault's own word about the request; 502 and 504 are a proxy's, 503 is everybody's.
  const error = answer.kind === 'http' && answer.status === 500 ? redact(answer.errors.join('\n')) : ''
  const isDead = answer.kind === 'http' && answer.status === 403 && judgeForbidden(answer.errors) === 'dead'
  return {
    ...{ type: 'renew-failed', failure, retryAfterMs, isDead, isAnswered: answer.kind === 'http' },
    error: error === '' ? undefined : error,
  }
}
