import type { JwtClaims } from './jose-types.js'

/** `ExpirationExtensionSeconds` of Kubernetes' `pkg/serviceaccount/claims.go`: one year. */
const EXTENDED_EXPIRATION_SECONDS = 24 * 365 * 60 * 60

/** A Kubernetes object by name and UID, as claims name it. */
export interface ObjectReference {
  name: string
  uid: string
}

/** Whom a token speaks for. */
export interface TokenIdentity {
  namespace: string
  serviceAccount: ObjectReference
  pod: ObjectReference
  node: ObjectReference
}

/** What the claims of one bound token are made of. */
export interface BoundClaimsInput {
  issuer: string
  audience: string[]
  identity: TokenIdentity
  /** `jti`. */
  id: string
  /** Unix time in seconds. */
  issuedAtSeconds: number
  expirationSeconds: number
  extendedExpiration: boolean
}

/** The claims of a token from the TokenRequest API (`Claims` in `pkg/serviceaccount/claims.go`). */
export function boundClaims(input: BoundClaimsInput): JwtClaims {
  const { identity, issuedAtSeconds, expirationSeconds } = input
  const lifeSeconds = input.extendedExpiration ? EXTENDED_EXPIRATION_SECONDS : expirationSeconds
  return {
    aud: input.audience,
    exp: issuedAtSeconds + lifeSeconds,
    iat: issuedAtSeconds,
    iss: input.issuer,
    jti: input.id,
    'kubernetes.io': {
      namespace: identity.namespace,
      node: identity.node,
      pod: identity.pod,
      serviceaccount: identity.serviceAccount,
      ...(input.extendedExpiration ? { warnafter: issuedAtSeconds + expirationSeconds } : {}),
    },
    nbf: issuedAtSeconds,
    sub: subjectOf(identity),
  }
}

/**
 * The claims of a token kept in a Secret (`pkg/serviceaccount/legacy.go`): no `exp`, no `iat`, no `aud`, an issuer
 * that is the same in every cluster.
 */
export function legacyClaims(identity: TokenIdentity): JwtClaims {
  const { namespace, serviceAccount } = identity
  return {
    iss: 'kubernetes/serviceaccount',
    'kubernetes.io/serviceaccount/namespace': namespace,
    'kubernetes.io/serviceaccount/secret.name': `${serviceAccount.name}-token`,
    'kubernetes.io/serviceaccount/service-account.name': serviceAccount.name,
    'kubernetes.io/serviceaccount/service-account.uid': serviceAccount.uid,
    sub: subjectOf(identity),
  }
}

/** Lays `overrides` over `claims`; one that is `undefined` takes the claim away. */
export function overrideClaims(claims: JwtClaims, overrides: Record<string, unknown> = {}): JwtClaims {
  const merged = Object.entries({ ...claims, ...overrides }).filter(([, value]) => value !== undefined)
  return Object.fromEntries(merged)
}

const subjectOf = ({ namespace, serviceAccount }: TokenIdentity) =>
  `system:serviceaccount:${namespace}:${serviceAccount.name}`
