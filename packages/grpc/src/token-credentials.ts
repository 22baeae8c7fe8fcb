import { type CallCredentials, credentials, Metadata } from '@grpc/grpc-js'
import type { Token } from '@projected-token/core'
import type { Bearer } from './bearer-metadata.js'
import { refuse } from './call-failure.js'
import type { TokenSource } from './token-source.js'
import { composedWithChannel, type TransportProof } from './transport-proof.js'

type CallInfo = Parameters<CallCredentials['generateMetadata']>[0]

/** What the interceptor knows of a call, and learns about it. */
export interface ObservedCall {
  /** Whether the caller gave an `authorization` of their own. */
  hasOwnHeader: boolean
  /** The token that was sent last, and where it came from. */
  sent: { token: Token; source: TokenSource } | undefined
}

/** What call credentials of this package know beside the interface of grpc-js. */
interface Inside {
  readonly source: TokenSource
  readonly requiresTransportSecurity: boolean
  readonly proof: TransportProof
  /** Credentials of other kinds composed with these. */
  readonly others: readonly CallCredentials[]
  generate(info: CallInfo, call?: ObservedCall): Promise<Metadata>
}

/** Registered, so that the ESM and the CJS copy of this package know each other's. */
const INSIDE: unique symbol = Symbol.for('@projected-token/grpc: call credentials') as never

type TokenCredentials = CallCredentials & { readonly [INSIDE]: Inside }

const empty = credentials.createEmpty()

export function insideOf(callCredentials: CallCredentials): Inside | undefined {
  return (callCredentials as Partial<TokenCredentials>)[INSIDE]
}

/** The credentials that a call's channel has, with foreign ones that the call has of its own. */
export function joinForeign(channels: Inside, foreign: CallCredentials): CallCredentials {
  return createTokenCredentials({ ...channels, others: [...channels.others, foreign] })
}

/** An object rather than a subclass: grpc-js asks for no more than these three methods. */
export function createTokenCredentials(parts: Omit<Inside, 'generate'>): CallCredentials {
  const { source, requiresTransportSecurity, proof, others } = parts

  function generate(info: CallInfo, call?: ObservedCall): Promise<Metadata> {
    if (call) call.sent = undefined // by an attempt before this one
    if (requiresTransportSecurity && !proof.isGiven()) return Promise.reject(unprovenTransport())
    if (others.length > 0) return generateWithOthers(info, call)
    if (call?.hasOwnHeader) return empty.generateMetadata(info)
    try {
      const bearer = source.acquire()
      if (bearer instanceof Promise) return bearer.then((found) => send(found, call).metadata)
      return send(bearer, call).promise
    } catch (error) {
      return Promise.reject(error)
    }
  }

  function send(bearer: Bearer, call: ObservedCall | undefined): Bearer {
    if (call) call.sent = { token: bearer.token, source }
    return bearer
  }

  /** One `authorization` in the end: the caller's, or else that of the other credentials, or else the token. */
  async function generateWithOthers(info: CallInfo, call: ObservedCall | undefined): Promise<Metadata> {
    const merged = new Metadata()
    for (const metadata of await Promise.all(others.map((other) => other.generateMetadata(info)))) {
      merged.merge(metadata)
    }
    if (call?.hasOwnHeader) merged.remove('authorization')
    else if (merged.get('authorization').length === 0) {
      merged.merge(send(await source.acquire(), call).metadata)
    }
    return merged
  }

  const compose = (other: CallCredentials): CallCredentials => {
    const theirs = insideOf(other)
    // A call's own credentials replace those of its channel, which prove the channel's security.
    if (theirs) {
      const given = theirs.proof.isGiven() ? theirs.proof : proof.beforeChannel()
      return changedBy({ proof: given }, theirs.others)
    }
    if (!empty._equals(other)) return changedBy({ proof: proof.beforeChannel() }, [other])
    return proof.isPermanent ? self : changedBy({ proof: composedWithChannel() }, [])
  }
  const changedBy = (changed: Partial<Inside>, more: readonly CallCredentials[]) =>
    createTokenCredentials({ ...parts, ...changed, others: [...others, ...more] })

  const self: TokenCredentials = {
    [INSIDE]: { ...parts, generate },
    generateMetadata: (info) => generate(info),
    compose,
    _equals(other) {
      const theirs = insideOf(other)
      return (
        theirs?.source === source &&
        theirs.requiresTransportSecurity === requiresTransportSecurity &&
        theirs.proof.isPermanent === proof.isPermanent &&
        theirs.others.length === others.length &&
        others.every((each, index) => each._equals(theirs.others[index] as CallCredentials))
      )
    },
  }
  return self
}

function unprovenTransport() {
  return refuse(
    'ERR_GRPC_INSECURE_CHANNEL',
    'The channel is not known to be encrypted, so no token was sent. Make its credentials with createChannelCredentials(provider, channelCredentials); only { requireTransportSecurity: false } sends the token over any channel',
  )
}
