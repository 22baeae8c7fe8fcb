import type { CallCredentials } from '@grpc/grpc-js'
import type { Token } from '@projected-token/core'
import type { TokenSource } from './token-source.js'

export type CallInfo = Parameters<CallCredentials['generateMetadata']>[0]

/** What the interceptor knows of a call, and learns about it from the credentials. */
export interface ObservedCall {
  /** Whether the caller gave an `authorization` of their own. */
  hasOwnHeader: boolean
  /** What each attempt carried of ours; `undefined` for one that failed before it was sent. */
  readonly sent: (SentToken | undefined)[]
}

interface SentToken {
  readonly token: Token
  readonly source: TokenSource
}

/** Registered, so that the ESM and the CJS copy of this package know each other's. */
const CALL: unique symbol = Symbol.for('@projected-token/grpc: observed call') as never

/** The call goes with what grpc-js tells of it: so it passes through credentials of other kinds that hold ours. */
export function withObservedCall(info: CallInfo, call: ObservedCall): CallInfo {
  return { ...info, [CALL]: call } as CallInfo
}

export function observedCallOf(info: CallInfo): ObservedCall | undefined {
  return (info as { [CALL]?: ObservedCall })[CALL]
}

/**
 * The token that was refused when a call ended with UNAUTHENTICATED. Attempts may run side by side (hedging), or fail
 * here: only where all carried the same token is it known which one the server meant.
 */
export function refusedToken({ sent: [first, ...more] }: ObservedCall): SentToken | undefined {
  return more.every((each) => each?.token.token === first?.token.token) ? first : undefined
}
