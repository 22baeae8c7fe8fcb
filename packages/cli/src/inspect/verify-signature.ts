import type { ParsedToken } from '@projected-token/core'
import { compactVerify, createLocalJWKSet, errors, type JSONWebKeySet, type JWK } from 'jose'
import type { SignatureFacts, TokenFacts } from './inspection.js'
import type { KeySetResult } from './key-set.js'

/** What is said of a signature that nobody asked about. */
export const UNCHECKED: SignatureFacts = {
  state: 'unchecked',
  keyId: undefined,
  source: undefined,
  reason: undefined,
}

/** Checks the signature alone: times and audience are judged for all tokens, signed or not. Never rejects. */
export async function verifySignature(
  parsed: ParsedToken,
  facts: TokenFacts,
  loaded: KeySetResult,
  source: string,
): Promise<SignatureFacts> {
  const answer = (state: SignatureFacts['state'], reason?: string, keyId?: string): SignatureFacts => ({
    state,
    keyId,
    source,
    reason,
  })
  if ('problem' in loaded) return answer('unknown', loaded.problem)
  if (parsed.kind === 'opaque') return answer('unknown', 'the token is not a JWT')
  // Each key alone: a token without a key id may match several, and the answer is to name the right one.
  let reason: unknown
  // RFC 7517 leaves `kid` to the publisher: a key without one may be the token's, whatever id that names.
  const idOfToken = facts.keyId === undefined ? {} : { kid: facts.keyId }
  for (const published of loaded.keys.keys) {
    const key = { ...idOfToken, ...published }
    try {
      await compactVerify(parsed.token, createLocalJWKSet({ keys: [key] } satisfies JSONWebKeySet))
      return answer('valid', undefined, typeof published.kid === 'string' ? published.kid : facts.keyId)
    } catch (error) {
      reason = moreTelling(reason, error)
    }
  }
  if (reason instanceof errors.JWSSignatureVerificationFailed) {
    return answer('invalid', 'the token was changed, or another key with the same id signed it')
  }
  if (reason instanceof errors.JWKSNoMatchingKey) {
    if (loaded.keys.keys.some((key) => key.kid === facts.keyId && !mayVerify(key))) {
      return answer('unknown', 'the key with its key id is not published to verify signatures (use, key_ops)')
    }
    const key = `${facts.keyId ?? 'none'} (${facts.algorithm ?? 'no algorithm'})`
    return answer('invalid', `the key set has no key for its key id ${key}, but ${describeKeys(loaded.keys)}`)
  }
  return answer('unknown', `${facts.algorithm ?? 'its algorithm'} or the key cannot be used here`)
}

/** Whether a key's publisher lets it verify signatures (RFC 7517, 4.2 and 4.3). */
function mayVerify({ use, key_ops: operations }: JWK): boolean {
  // What is no list says nothing, to jose as well.
  return (use ?? 'sig') === 'sig' && (!Array.isArray(operations) || operations.includes('verify'))
}

/** A key that fits and fails says more than one that does not fit. */
function moreTelling(previous: unknown, next: unknown): unknown {
  const isMismatch = previous === undefined || previous instanceof errors.JWKSNoMatchingKey
  return previous instanceof errors.JWSSignatureVerificationFailed || !isMismatch ? previous : next
}

function describeKeys({ keys }: JSONWebKeySet): string {
  const names = keys.slice(0, 5).map((key) => `${key.kid ?? 'one without id'} (${key.alg ?? key.kty})`)
  return names.join(', ') + (keys.length > names.length ? ` and ${keys.length - names.length} more` : '')
}
