import { decodeJwt, exportPKCS8, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { mismatches } from './cases/match.mjs'
import { shortenTokenRequest } from './cluster/shorten-token-request.mjs'
import { report } from './report.mjs'

describe('what `npm run test:cluster` calls as expected', () => {
  it('is the value, the text, the bound, or what lay on the disk', () => {
    const measured = { state: 'valid', sent: 8, rotations: 9, 'rotations since': 8, seen: 8 }
    const expected = { state: /^val/, sent: { least: 8 }, rotations: { most: 9 }, seen: 'as on disk' }
    expect(mismatches(expected, measured)).toEqual([])
    expect(mismatches(expected, { ...measured, sent: 7, rotations: 10, seen: 9, state: 'expired' })).toEqual([
      { name: 'state', expected: '/^val/', found: 'expired' },
      { name: 'sent', expected: '≥ 8', found: 7 },
      { name: 'rotations', expected: '≤ 9', found: 10 },
      { name: 'seen', expected: 'as on disk', found: 9 },
    ])
  })

  it('is never what was not measured', () => {
    const found = mismatches({ a: 0, b: { least: 0 }, c: { most: 1 }, d: /x/, e: 'as on disk' }, {})
    expect(found.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  it('is no run without all cases, or with too few rotations', () => {
    const { problems } = report({})
    expect(problems).toContain('founding-document: did not come to an end')
    expect(problems).toContain('0 rotations in all; 100 were expected')
  })
})

describe('a shortened TokenRequest', () => {
  const answerWith = async (claims: object) => {
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
    const token = await new SignJWT({ iat: 1_000, nbf: 1_000, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'key' })
      .sign(privateKey)
    const status = { token, expirationTimestamp: '1970-01-01T02:16:40Z' }
    const request = { spec: { expirationSeconds: 7_200 }, status }
    return { shortened: await shortenTokenRequest(request, 20, await exportPKCS8(privateKey)), publicKey }
  }

  it('ends earlier by every word of it, and is signed by the same key', async () => {
    const { shortened, publicKey } = await answerWith({ exp: 8_200, sub: 'somebody', 'kubernetes.io': {} })
    expect(shortened.spec.expirationSeconds).toBe(20)
    expect(shortened.status.expirationTimestamp).toBe('1970-01-01T00:17:00Z')
    const options = { currentDate: new Date(1_010_000) }
    const { payload, protectedHeader } = await jwtVerify(shortened.status.token, publicKey, options)
    expect(payload).toEqual({ iat: 1_000, nbf: 1_000, exp: 1_020, sub: 'somebody', 'kubernetes.io': {} })
    expect(protectedHeader).toEqual({ alg: 'RS256', kid: 'key' })
  })

  it('keeps an extended expiry, and moves what it warns of', async () => {
    const year = 1_000 + 31_536_000
    const { shortened } = await answerWith({ exp: year, 'kubernetes.io': { warnafter: 4_607 } })
    const claims = decodeJwt(shortened.status.token)
    expect(claims).toMatchObject({ exp: year, 'kubernetes.io': { warnafter: 1_020 } })
  })
})
