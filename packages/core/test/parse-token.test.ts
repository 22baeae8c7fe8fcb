import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseToken, TokenError } from '../src/index.js'
import { claimsOf, unsignedJwt } from './support/jwt.js'

const NOW_MS = Date.UTC(2026, 0, 1)
const bound = (more: Record<string, unknown> = {}) => unsignedJwt(claimsOf(NOW_MS, 7_200_000, more))

function failureOf(content: string | Uint8Array): TokenError {
  try {
    parseToken(content, '/some/token')
  } catch (error) {
    expect(error).toBeInstanceOf(TokenError)
    return error as TokenError
  }
  throw new Error('parsed')
}

describe('a bound token', () => {
  it('tells who, for whom, and from when to when', () => {
    expect(parseToken(bound({ jti: 'j' }))).toMatchObject({
      kind: 'bound',
      id: 'j',
      issuer: 'https://kubernetes.default.svc.cluster.local',
      subject: 'system:serviceaccount:default:build-robot',
      audience: ['vault'],
      issuedAtMs: NOW_MS,
      notBeforeMs: NOW_MS,
      expiresAtMs: NOW_MS + 7_200_000,
      namespace: 'default',
      serviceAccount: { name: 'build-robot', uid: 'u-1' },
      pod: { name: 'nginx', uid: 'u-2' },
      node: undefined,
    })
  })

  it('may name one audience as a string', () => {
    expect(parseToken(bound({ aud: 'vault' })).audience).toEqual(['vault'])
  })

  it('tells when its extended life should no longer be used', () => {
    const warnafter = NOW_MS / 1000 + 3607
    expect(parseToken(bound({ 'kubernetes.io': { warnafter } })).warnAfterMs).toBe(NOW_MS + 3_607_000)
  })

  it.each(['RS256', 'ES512', 'EdDSA', 'ML-DSA-65', 'none-of-your-business'])(
    'is read whatever its algorithm: %s',
    (alg) => {
      expect(parseToken(unsignedJwt(claimsOf(NOW_MS, 1000), { alg })).kind).toBe('bound')
    },
  )

  it('is recognised by its header, however that is written', () => {
    const header = Buffer.from('{ "typ": "JWT", "alg": "RS256" }').toString('base64url')
    const [, payload, signature] = bound().split('.')
    expect(parseToken(`${header}.${payload}.${signature}`).kind).toBe('bound')
  })

  it('may have a signature of 16 KiB, as ML-DSA may make them', () => {
    const token = unsignedJwt(claimsOf(NOW_MS, 1000), { alg: 'ML-DSA-87' }, 'A'.repeat(16_384))
    expect(parseToken(`${token}\n`).token).toBe(token)
  })
})

describe('other tokens are named as what they are', () => {
  it('a legacy Secret token never expires and names no audience', () => {
    const token = unsignedJwt({
      iss: 'kubernetes/serviceaccount',
      sub: 'system:serviceaccount:default:build-robot',
      'kubernetes.io/serviceaccount/namespace': 'default',
      'kubernetes.io/serviceaccount/service-account.name': 'build-robot',
      'kubernetes.io/serviceaccount/service-account.uid': 'u-1',
    })
    expect(parseToken(token)).toMatchObject({
      kind: 'legacy',
      audience: [],
      expiresAtMs: undefined,
      namespace: 'default',
      serviceAccount: { name: 'build-robot', uid: 'u-1' },
    })
  })

  it('a JWT without exp is unexpiring', () => {
    expect(parseToken(unsignedJwt({ iss: 'https://elsewhere.example' })).kind).toBe('unexpiring')
  })

  it.each([
    ['a random string', 's.CAESIJ0P7v-_~+/='],
    ['five parts, an encrypted JWT', 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aXY.Y2lwaGVy.dGFn'],
    [
      'an encrypted JWT with other members first',
      'eyAidHlwIjoiSldUIiwgImVuYyI6IkEyNTZHQ00ifQ..aXY.Y2lwaGVy.dGFn',
    ],
    ['base64 of whole JSON', Buffer.from('{"user":"u"}').toString('base64url')],
  ])('%s is opaque', (_, token) => {
    expect(parseToken(token)).toMatchObject({ kind: 'opaque', token, expiresAtMs: undefined })
  })
})

describe('scenario 21: what stands around the token', () => {
  it.each(['\n', '\r\n', '  ', '\t\n \r\n'])('%j before and after it does not count', (space) => {
    expect(parseToken(`${space}${bound()}${space}`).token).toBe(bound())
  })

  it('a byte order mark does not count', () => {
    expect(parseToken(`\ufeff${bound()}`).token).toBe(bound())
    expect(parseToken(Buffer.from(`\ufeff${bound()}\n`)).token).toBe(bound())
  })
})

describe('content that is not one token is refused without being quoted', () => {
  it.each(['', '\n', ' \r\n\t ', '\ufeff', '\ufeff\n'])('%j is empty', (content) => {
    expect(failureOf(content).code).toBe('ERR_TOKEN_EMPTY')
  })

  it.each([
    ['two tokens', `${bound()}\n${bound()}`],
    ['two tokens without a line feed between', `${bound()}${bound()}`],
    ['a megabyte of white space inside', `x${' '.repeat(2 ** 20)}x`],
    ['a JWT torn after its header', bound().slice(0, bound().indexOf('.'))],
    ['a JWT torn at its first dot', bound().slice(0, bound().indexOf('.') + 1)],
    ['a JWT with a fourth part', `${bound()}.x`],
    ['scenario 23: a NUL inside', 'abc\0def'],
    ['scenario 23: binary', Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x41])],
    ['scenario 23: a line feed inside', 'abc\ndef'],
    ['a header injection', 'abc\r\nX-Evil: 1'],
    ['a non-ASCII character', 'tökén'],
    ['a JWT cut in its header', bound().slice(0, 20)],
    ['a JWT cut in its payload', bound().slice(0, 120)],
    ['a JWT cut before its signature', bound().slice(0, bound().lastIndexOf('.') + 1)],
    ['a JWT with an empty payload', 'eyJhbGciOiJub25lIn0..c2ln'],
    ['a JWT whose payload is not JSON', unsignedJwt('hello')],
    ['a JWT whose payload is an array', unsignedJwt('[1,2]')],
    ['a JWT whose payload is null', unsignedJwt('null')],
  ])('%s', (_, content) => {
    expect(failureOf(content).code).toBe('ERR_TOKEN_MALFORMED')
  })

  it.each([
    ['negative', -1],
    ['fractional', 1.5],
    ['1e308', 1e308],
    ['a string', '1767225600'],
    ['null', null],
    ['an object', {}],
    ['beyond the year 9999', 253_402_300_800],
  ])('a time claim that is %s', (_, value) => {
    for (const claim of ['exp', 'iat', 'nbf']) {
      const error = failureOf(bound({ [claim]: value }))
      expect(error.code).toBe('ERR_TOKEN_MALFORMED')
      expect(error.message).toContain(`'${claim}'`)
    }
  })

  it('claims nested 10,000 deep', () => {
    const deep = `{"exp":2000000000,"x":${'['.repeat(10_000)}${']'.repeat(10_000)}}`
    expect(failureOf(unsignedJwt(deep)).code).toBe('ERR_TOKEN_MALFORMED')
  })

  it('claims of the wrong type', () => {
    for (const claims of [{ aud: 5 }, { aud: [5] }, { iss: {} }, { sub: 1 }, { jti: [] }]) {
      expect(failureOf(bound(claims)).code).toBe('ERR_TOKEN_MALFORMED')
    }
  })

  it('names the path and never holds the content', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 8, unit: 'binary' }), (text) => {
        const canary = `canary${text}`
        for (const content of [`${canary}\n${canary}`, unsignedJwt(canary), `eyJ${canary}`]) {
          try {
            parseToken(content, '/some/token')
          } catch (error) {
            const shown = `${(error as Error).message}${(error as Error).stack}${JSON.stringify(error)}`
            expect(shown).toContain('/some/token')
            expect(shown).not.toContain('canary')
            expect((error as Error).cause).toBeUndefined()
          }
        }
      }),
    )
  })
})

describe('any content at all', () => {
  it('is either a header-safe token or a typed error', () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 4096 }),
      fc.string({ unit: 'binary' }),
      fc.json().map((json) => unsignedJwt(json)),
      fc.json().map((json) => unsignedJwt(`{"exp":2000000000,"x":${json}}`)),
      fc.tuple(fc.base64String(), fc.base64String(), fc.base64String()).map((parts) => parts.join('.')),
    )
    fc.assert(
      fc.property(anything, (content) => {
        try {
          expect(parseToken(content).token).toMatch(/^[\x21-\x7e]+$/)
        } catch (error) {
          expect(error).toBeInstanceOf(TokenError)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
