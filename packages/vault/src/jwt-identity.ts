import { parseToken, tokenFingerprint } from '@projected-token/core'

/** What is remembered of a JWT: never the JWT. */
export interface JwtIdentity {
  readonly fingerprint: string
  /** Who it speaks for, in one string to compare; `undefined` when it does not say. */
  readonly who: string | undefined
}

/** Reads who a JWT speaks for: what stays the same when the kubelet rotates it. */
export function identifyJwt(jwt: string): JwtIdentity {
  const fingerprint = tokenFingerprint(jwt)
  try {
    const { issuer, subject, audience, pod, serviceAccount } = parseToken(jwt)
    if (subject === undefined && audience.length === 0) return { fingerprint, who: undefined }
    const who = JSON.stringify([issuer, subject, [...audience].sort(), pod?.uid, serviceAccount?.uid])
    return { fingerprint, who }
  } catch {
    return { fingerprint, who: undefined }
  }
}

/** Whether the pod, its service account or the audience is another one than the one that logged in. */
export function isAnotherIdentity(before: JwtIdentity | undefined, now: JwtIdentity): boolean {
  return before?.who !== undefined && now.who !== undefined && before.who !== now.who
}
