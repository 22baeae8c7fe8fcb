/** Makes a JWT that nobody signed: core decodes and never verifies. */
export function unsignedJwt(
  claims: Record<string, unknown> | string,
  header: Record<string, unknown> = { alg: 'RS256', kid: 'k' },
  signature = 'c2lnbmF0dXJl',
): string {
  const encode = (value: unknown) =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
  return `${encode(header)}.${encode(claims)}.${signature}`
}

/** The claims of a token for build-robot, as the TokenRequest API writes them. */
export function claimsOf(
  nowMs: number,
  lifeMs: number,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  const iat = Math.floor(nowMs / 1000)
  return {
    iss: 'https://kubernetes.default.svc.cluster.local',
    sub: 'system:serviceaccount:default:build-robot',
    aud: ['vault'],
    iat,
    nbf: iat,
    exp: iat + Math.floor(lifeMs / 1000),
    'kubernetes.io': {
      namespace: 'default',
      serviceaccount: { name: 'build-robot', uid: 'u-1' },
      pod: { name: 'nginx', uid: 'u-2' },
    },
    ...more,
  }
}
