/** Tokens with the claims and the size of a kubelet's. The signature is random: nobody here checks it. */
import { randomBytes } from 'node:crypto'

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
const header = encode({ alg: 'RS256', kid: randomBytes(32).toString('base64url') })
const signature = randomBytes(255).toString('base64url')

export const AUDIENCE = 'vault'

/** @param serial makes it another one */
export function createToken(serial, issuedAtMs, lifeSeconds) {
  const iat = Math.floor(issuedAtMs / 1_000)
  const claims = {
    aud: [AUDIENCE],
    exp: iat + lifeSeconds,
    iat,
    iss: 'https://kubernetes.default.svc.cluster.local',
    jti: String(serial),
    'kubernetes.io': {
      namespace: 'default',
      node: { name: 'node-1', uid: '2b5f3c1c-8f5e-4c0b-9a57-1f6a5a3f9d10' },
      pod: { name: 'build-robot-7c9d8f6b5-x2x7p', uid: '9c1f2f0e-6f0a-4e53-8d5b-5f0f3d1b7a21' },
      serviceaccount: { name: 'build-robot', uid: '4d0a7c36-0f3d-49a5-b0a7-6b4f6c8e2f32' },
    },
    nbf: iat,
    sub: 'system:serviceaccount:default:build-robot',
  }
  return `${header}.${encode(claims)}.${signature}`
}
