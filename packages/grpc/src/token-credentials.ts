import { type CallCredentials, credentials, Metadata } from '@grpc/grpc-js'
import { type CallInfo, observedCallOf } from './observed-call.js'
import { type ChannelKnowledge, knowledgeOfBoth, mayBeSent, plaintextRefused } from './plaintext-rule.js'
import type { TokenSource } from './token-source.js'

/** What call credentials of this package know beside the interface of grpc-js. */
interface Inside {
  readonly source: TokenSource
  readonly channel: ChannelKnowledge
  /** Credentials of other kinds composed with these. */
  readonly others: readonly CallCredentials[]
}

/** Registered, so that the ESM and the CJS copy of this package know each other's. */
const INSIDE: unique symbol = Symbol.for('@projected-token/grpc: call credentials') as never

type TokenCredentials = CallCredentials & { readonly [INSIDE]: Inside }

/** On what is asked for one attempt of a call: said by credentials that know its channel to those that they ask in turn. */
const ENCRYPTED: unique symbol = Symbol.for('@projected-token/grpc: encrypted channel') as never

type AskedInfo = CallInfo & { readonly [ENCRYPTED]?: boolean }

const empty = credentials.createEmpty()

export function insideOf(callCredentials: CallCredentials): Inside | undefined {
  return (callCredentials as Partial<TokenCredentials>)[INSIDE]
}

/** An object rather than a subclass: grpc-js asks for no more than these three methods. */
export function createTokenCredentials(inside: Inside): CallCredentials {
  const { source, channel, others } = inside

  /** One `authorization` in the end: the caller's, or else that of the other credentials, or else the token. */
  async function generateMetadata(info: AskedInfo): Promise<Metadata> {
    if (!mayBeSent(channel, info[ENCRYPTED] === true)) throw plaintextRefused()
    const call = observedCallOf(info)
    const metadata = new Metadata()
    if (others.length > 0) {
      const asked: AskedInfo = channel === 'encrypted' ? { ...info, [ENCRYPTED]: true } : info
      for (const each of await Promise.all(others.map((other) => other.generateMetadata(asked)))) {
        metadata.merge(each)
      }
    }
    if (call?.hasOwnHeader) metadata.remove('authorization')
    else if (metadata.get('authorization').length === 0) {
      const acquired = source.acquire()
      const bearer = acquired instanceof Promise ? await acquired : acquired
      metadata.merge(bearer.metadata)
      call?.sent.push({ token: bearer.token, source })
    }
    return metadata
  }

  function compose(other: CallCredentials): CallCredentials {
    const theirs = insideOf(other)
    // A call's own credentials replace those of its channel.
    if (theirs) {
      const known = knowledgeOfBoth(channel, theirs.channel)
      return createTokenCredentials({ source, channel: known, others: [...others, ...theirs.others] })
    }
    return empty._equals(other) ? self : withOther(inside, other)
  }

  const self: TokenCredentials = {
    [INSIDE]: inside,
    generateMetadata,
    compose,
    _equals(other) {
      const theirs = insideOf(other)
      return (
        theirs?.source === source &&
        theirs.channel === channel &&
        theirs.others.length === others.length &&
        others.every((each, index) => each._equals(theirs.others[index] as CallCredentials))
      )
    },
  }
  return self
}

/** Credentials of this package together with some of another kind. */
export function withOther(inside: Inside, other: CallCredentials): CallCredentials {
  return createTokenCredentials({ ...inside, others: [...inside.others, other] })
}
