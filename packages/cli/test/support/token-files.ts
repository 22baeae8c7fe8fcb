import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from 'jose'
import { onTestFinished } from 'vitest'
import { secret } from './run-cli.js'

/** A directory of the test's own, which goes with it. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'projected-token-cli-test-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** Writes content to a file that only its owner may read. @returns its path */
export async function writeFileFor(
  content: string | Uint8Array,
  name = 'token',
  mode = 0o600,
): Promise<string> {
  const path = join(await temporaryDirectory(), name)
  await writeFile(path, content)
  await chmod(path, mode) // whatever the umask is
  return path
}

/** Key pair of an issuer. */
export async function createIssuer(kid: string | null = 'key-1') {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk: JWK = { ...(await exportJWK(publicKey)), alg: 'ES256', ...(kid === null ? {} : { kid }) }
  return {
    jwk,
    privateJwk: { ...(await exportJWK(privateKey)), alg: 'ES256', kid },
    async sign(claims: Record<string, unknown>, header: Partial<JWTHeaderParameters> = {}): Promise<string> {
      const protectedHeader = { alg: 'ES256', ...(kid === null ? {} : { kid }), ...header }
      return secret(await new SignJWT(claims).setProtectedHeader(protectedHeader).sign(privateKey))
    },
  }
}

export const seconds = (timeMs: number) => Math.floor(timeMs / 1_000)

/** Claims of a bound token that was issued `ageSeconds` ago and lives `lifeSeconds`. */
export function boundClaims(nowMs: number, ageSeconds = 60, lifeSeconds = 3_600): Record<string, unknown> {
  const iat = seconds(nowMs) - ageSeconds
  return {
    iss: 'https://issuer.example',
    sub: 'system:serviceaccount:payments:billing',
    aud: ['vault'],
    iat,
    nbf: iat,
    exp: iat + lifeSeconds,
    jti: '7f4df3c6-0f0b-4d0e-9d0a-8d1b3f1f7a10',
    'kubernetes.io': {
      namespace: 'payments',
      serviceaccount: { name: 'billing', uid: 'sa-uid' },
      pod: { name: 'billing-7d4b9', uid: 'pod-uid' },
      node: { name: 'node-1', uid: 'node-uid' },
    },
  }
}
