/** Tokens as a kubelet projects them: the size and the claims of real ones. The signature is random. */
import { randomBytes, randomUUID } from 'node:crypto'

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
const header = encode({ alg: 'RS256', kid: randomBytes(32).toString('base64url') })

/** A JWT of about 1,200 characters that is good for an hour. Each call gives another one. */
export function createJwt() {
  const iat = Math.floor(Date.now() / 1000)
  const name = 'build-robot'
  const claims = {
    aud: ['https://kubernetes.default.svc.cluster.local'],
    exp: iat + 3607,
    iat,
    iss: 'https://kubernetes.default.svc.cluster.local',
    jti: randomUUID(),
    'kubernetes.io': {
      namespace: 'default',
      node: { name: 'node-1', uid: randomUUID() },
      pod: { name: 'build-robot-7c9d8f6b5-x2x7p', uid: randomUUID() },
      serviceaccount: { name, uid: randomUUID() },
      warnafter: iat + 3607,
    },
    nbf: iat,
    sub: `system:serviceaccount:default:${name}`,
  }
  return `${header}.${encode(claims)}.${randomBytes(256).toString('base64url')}`
}
