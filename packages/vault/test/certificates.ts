import { createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'

/** A certificate and its key, as PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

export interface Authority extends Certificate {
  issue(name: string, options?: { address?: string }): Certificate
}

/** A certificate authority for one test run: so that no private key lies in the repository. */
export function createAuthority(name = 'Test CA'): Authority {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = pemKey(privateKey)
  const extensions = [extension([2, 5, 29, 19], der(0x30, der(0x01, Buffer.from([0xff]))), true)]
  return {
    key,
    cert: certify(name, publicKey, name, privateKey, extensions),
    issue(subject, { address } = {}) {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const names = [der(0x82, Buffer.from(subject))]
      if (address !== undefined) names.push(der(0x87, Buffer.from(address.split('.').map(Number))))
      const alternatives = extension([2, 5, 29, 17], der(0x30, ...names))
      return {
        key: pemKey(pair.privateKey),
        cert: certify(subject, pair.publicKey, name, privateKey, [alternatives]),
      }
    },
  }
}

/** X.509 (RFC 5280), as little of it as TLS needs. */
function certify(
  subject: string,
  publicKey: KeyObject,
  issuer: string,
  issuerKey: KeyObject,
  extensions: Buffer[],
): string {
  const algorithm = der(0x30, oid([1, 2, 840, 10045, 4, 3, 2]))
  const serial = der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)]))
  const validity = der(0x30, der(0x17, Buffer.from('200101000000Z')), der(0x17, Buffer.from('491231235959Z')))
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const version = der(0xa0, der(0x02, Buffer.from([2])))
  const body = der(
    0x30,
    version,
    serial,
    algorithm,
    nameOf(issuer),
    validity,
    nameOf(subject),
    spki,
    der(0xa3, der(0x30, ...extensions)),
  )
  const signature = createSign('sha256').update(body).sign(issuerKey)
  const certificate = der(0x30, body, algorithm, der(0x03, Buffer.from([0]), signature))
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...head]), content])
}

function oid([first = 0, second = 0, ...rest]: number[]): Buffer {
  const bytes = [first * 40 + second]
  for (const arc of rest) {
    const groups = [arc & 0x7f]
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80)
    bytes.push(...groups)
  }
  return der(0x06, Buffer.from(bytes))
}

function nameOf(name: string): Buffer {
  return der(0x30, der(0x31, der(0x30, oid([2, 5, 4, 3]), der(0x0c, Buffer.from(name)))))
}

function extension(id: number[], value: Buffer, isCritical = false): Buffer {
  const critical = isCritical ? [der(0x01, Buffer.from([0xff]))] : []
  return der(0x30, oid(id), ...critical, der(0x04, value))
}

const pemKey = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString()
