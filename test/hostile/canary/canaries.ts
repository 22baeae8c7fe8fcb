import { randomBytes } from 'node:crypto'

/** Of this run alone: what another process shows is not ours. */
const random = (bytes: number) => randomBytes(bytes).toString('base64url')

/** A service account's token, valid for a day, with a signature that nobody checks here. */
export function makeJwt(claims: Readonly<Record<string, unknown>> = {}): string {
  const now = Math.floor(Date.now() / 1_000)
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const usual = { iss: 'https://issuer.example', aud: ['vault'], sub: 'system:serviceaccount:ns:app' }
  const times = { iat: now - 60, nbf: now - 60, exp: now + 86_400 }
  return [
    encode({ alg: 'RS256', kid: 'k' }),
    encode({ ...usual, ...times, jti: random(24), ...claims }),
    random(256),
  ].join('.')
}

/** A service token of Vault ≥ 1.10. */
export const makeVaultToken = (): string => `hvs.${random(72)}`

/** Visible ASCII that every encoding writes differently, and no pattern of a filter knows. */
export const makeOpaque = (): string =>
  `${random(12)}"\\'<&>%+/=?#${random(12)}|{}$\`${random(24)}~!@^*()[];:,${random(24)}`
