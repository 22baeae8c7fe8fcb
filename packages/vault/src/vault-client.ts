import { createHash } from 'node:crypto'
import { tokenFingerprint } from '@projected-token/core'
import { setAwakeTimer } from '@projected-token/core/provider'
import type { Answer, HttpAnswer } from './answer.js'
import { type AuthBlock, readAuthBlock } from './auth-block.js'
import { classifyLogin, classifyRenewal, type FailureClass, judgeForbidden } from './classify-answer.js'
import { linkAbort } from './link-abort.js'
import { logInOnce } from './login-flights.js'
import { noAnswer, TIMED_OUT } from './no-answer.js'
import type { VaultConnection } from './vault-connection.js'

/** A token, or why there is none. */
export type Outcome =
  | { readonly auth: AuthBlock; readonly sentAtMs: number }
  | { readonly failure: FailureClass; readonly answer: Answer }

/** What is known of a token after a look. */
export type LookOutcome = 'alive' | 'dead' | 'denied' | 'unknown'

/** The requests of this package, each sent once. */
export interface VaultClient {
  login(jwt: string, signal: AbortSignal): Promise<Outcome>
  renew(token: string, timeLimitMs: number, signal: AbortSignal): Promise<Outcome>
  look(token: string, signal: AbortSignal): Promise<LookOutcome>
  /** Fulfils whatever comes of it. */
  revoke(token: string, signal: AbortSignal): Promise<void>
}

export function createVaultClient(connection: VaultConnection, mount: string, role: string): VaultClient {
  const { address, namespace, clusterAddresses, tls, clock, requestTimeoutMs } = connection.settings
  const place = JSON.stringify([address.text, namespace, mount, role])
  const trust = createHash('sha256')
    .update(JSON.stringify([clusterAddresses.map((one) => one.text), tls]))
    .digest('hex')
  return {
    async login(jwt, signal) {
      const waiting = new AbortController()
      const cancel = setAwakeTimer(clock, () => waiting.abort(TIMED_OUT), requestTimeoutMs)
      const unlink = linkAbort(waiting, signal)
      const send = () =>
        connection.send({ method: 'POST', path: `auth/${mount}/login`, body: { role, jwt } }, signal)
      // Nobody else's login, with other authorities or none, may decide what this one trusts.
      const sameAs = `${trust} ${tokenFingerprint(jwt)}`
      const answer = await logInOnce(clock, { key: place, sameAs, send, signal: waiting.signal })
        .catch((error) => noAnswer(error, waiting.signal.reason, requestTimeoutMs))
        .finally(() => {
          cancel()
          unlink()
        })
      return outcome(answer, classifyLogin(answer))
    },
    async renew(token, timeLimitMs, signal) {
      const answer = await connection.send(
        { method: 'POST', path: 'auth/token/renew-self', token, body: {}, timeLimitMs },
        signal,
      )
      return outcome(answer, classifyRenewal(answer), token)
    },
    async look(token, signal) {
      const answer = await connection.send({ method: 'GET', path: 'auth/token/lookup-self', token }, signal)
      if (answer.kind === 'none') return 'unknown'
      if (answer.status === 200) return 'alive'
      if (answer.status !== 403) return 'unknown'
      return judgeForbidden(answer.errors) === 'dead' ? 'dead' : 'denied'
    },
    async revoke(token, signal) {
      await connection.send({ method: 'POST', path: 'auth/token/revoke-self', token, body: {} }, signal)
    },
  }
}

function outcome(answer: Answer, failure: FailureClass | undefined, token?: string): Outcome {
  if (failure !== undefined) return { failure, answer }
  const { body, sentAtMs } = answer as HttpAnswer
  const auth = readAuthBlock(body, token)
  if (auth === 'mfa') return { failure: 'mfa', answer }
  return auth === 'malformed' ? { failure: 'unavailable', answer } : { auth, sentAtMs }
}
