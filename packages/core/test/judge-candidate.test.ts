import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseToken } from '../src/index.js'
import { type CandidateInput, judgeCandidate } from '../src/judge-candidate.js'
import { claimsOf, unsignedJwt } from './support/jwt.js'

const NOW_MS = Date.UTC(2026, 0, 1)
const HOUR = 3_600_000
const tokenAt = (
  iatMs: number,
  lifeMs = HOUR,
  more: Record<string, unknown> = {},
  signature = 'c2lnbmF0dXJl',
) => parseToken(unsignedJwt(claimsOf(iatMs, lifeMs, more), undefined, signature))
const opaque = (text: string) => parseToken(text)

const judge = (input: Partial<CandidateInput> & Pick<CandidateInput, 'candidate'>) =>
  judgeCandidate({
    current: undefined,
    currentRefused: false,
    suspectedTorn: undefined,
    expectations: { audience: [], issuer: undefined, subject: undefined },
    nowMs: NOW_MS,
    ...input,
  })

describe('a candidate', () => {
  it('is adopted when there is no token yet', () => {
    expect(judge({ candidate: tokenAt(NOW_MS) })).toEqual({ kind: 'adopt' })
  })

  it('replaces the token in use when it was issued later, or in the same second', () => {
    const current = tokenAt(NOW_MS - 1000)
    expect(judge({ candidate: tokenAt(NOW_MS), current })).toEqual({ kind: 'adopt' })
    expect(judge({ candidate: tokenAt(NOW_MS - 1000, HOUR, { jti: '2' }), current })).toEqual({
      kind: 'adopt',
    })
  })

  it('changes nothing when it is the token in use', () => {
    const current = tokenAt(NOW_MS)
    expect(judge({ candidate: current, current })).toEqual({ kind: 'unchanged' })
  })

  it('is refused once it has expired, with the age, even when it is the token in use', () => {
    const candidate = tokenAt(NOW_MS - 2 * HOUR)
    for (const current of [undefined, candidate, tokenAt(NOW_MS)]) {
      expect(judge({ candidate, current })).toMatchObject({
        kind: 'refuse',
        code: 'ERR_TOKEN_EXPIRED',
        problem: expect.stringContaining('expired 1 h ago'),
      })
    }
  })

  it('scenario 20: is never called expired without an expiry', () => {
    const legacy = parseToken(unsignedJwt({ iss: 'kubernetes/serviceaccount', sub: 's' }))
    expect(judge({ candidate: legacy, nowMs: 8.64e15 })).toEqual({ kind: 'adopt' })
    expect(judge({ candidate: opaque('abc'), current: opaque('def'), nowMs: 8.64e15 })).toEqual({
      kind: 'adopt',
    })
  })

  it('scenario 18: with nbf and iat in the future is adopted: the clock that is wrong may be ours', () => {
    expect(judge({ candidate: tokenAt(NOW_MS + 10 * HOUR) })).toEqual({ kind: 'adopt' })
  })
})

describe('scenario 26: a candidate for somebody else', () => {
  const expectations = {
    audience: ['vault', 'backup'],
    issuer: 'https://issuer.example',
    subject: 'system:sa',
  }
  const right = { aud: ['x', 'backup'], iss: 'https://issuer.example', sub: 'system:sa' }

  it('is adopted when one audience, the issuer and the subject are right', () => {
    expect(judge({ candidate: tokenAt(NOW_MS, HOUR, right), expectations })).toEqual({ kind: 'adopt' })
  })

  it.each([
    ['ERR_TOKEN_AUDIENCE', { aud: ['api'] }, 'whose audience is ["api"], not ["vault","backup"]'],
    ['ERR_TOKEN_AUDIENCE', { aud: undefined }, 'whose audience is absent'],
    ['ERR_TOKEN_ISSUER', { iss: 'https://issuer.example/' }, 'whose issuer is "https://issuer.example/"'],
    ['ERR_TOKEN_SUBJECT', { sub: 'system:other' }, 'whose subject is "system:other"'],
  ])('is refused with %s for %j', (code, wrong, problem) => {
    const candidate = tokenAt(NOW_MS, HOUR, { ...right, ...wrong })
    for (const current of [undefined, tokenAt(NOW_MS - 1000, HOUR, right)]) {
      expect(judge({ candidate, current, expectations })).toMatchObject({
        kind: 'refuse',
        code,
        problem: expect.stringContaining(problem),
      })
    }
  })

  it('is refused when it is opaque and an audience is expected', () => {
    expect(judge({ candidate: opaque('abc'), expectations })).toMatchObject({ code: 'ERR_TOKEN_AUDIENCE' })
  })

  it('is described briefly and without control characters, however hostile its claims', () => {
    const verdict = judge({
      candidate: tokenAt(NOW_MS, HOUR, { aud: [`\u001b[2J\n${'x'.repeat(10_000)}`] }),
      expectations,
    })
    expect(verdict.kind === 'refuse' && verdict.problem.length).toBeLessThan(400)
    expect(verdict.kind === 'refuse' && verdict.problem).not.toMatch(/[\x00-\x1f]/)
  })
})

describe('scenario 27: an older candidate', () => {
  const current = tokenAt(NOW_MS - 60_000)
  const older = tokenAt(NOW_MS - 120_000)

  it('does not replace a valid token', () => {
    expect(judge({ candidate: older, current })).toMatchObject({ kind: 'refuse', code: 'ERR_TOKEN_OLDER' })
  })

  it('replaces one that has expired, or that a server refused', () => {
    expect(judge({ candidate: older, current: tokenAt(NOW_MS - 30_000, 20_000) })).toEqual({ kind: 'adopt' })
    expect(judge({ candidate: older, current, currentRefused: true })).toEqual({ kind: 'adopt' })
  })
})

describe('a candidate that is no JWT', () => {
  const current = tokenAt(NOW_MS - 1000)

  it.each(['404', 'undefined', 'e'])('does not replace a valid JWT: %s', (text) => {
    expect(judge({ candidate: opaque(text), current })).toMatchObject({
      kind: 'refuse',
      code: 'ERR_TOKEN_MALFORMED',
    })
  })

  it('replaces one that has expired, or that a server refused, and another opaque one', () => {
    expect(judge({ candidate: opaque('abc'), current, currentRefused: true })).toEqual({ kind: 'adopt' })
    expect(judge({ candidate: opaque('abc'), current: tokenAt(NOW_MS - 2 * HOUR) })).toEqual({
      kind: 'adopt',
    })
    expect(judge({ candidate: opaque('abc'), current: opaque('def') })).toEqual({ kind: 'adopt' })
  })
})

describe('scenario 10: a candidate that lacks the end of its signature', () => {
  const current = tokenAt(NOW_MS - 1000)
  const torn = tokenAt(NOW_MS, HOUR, {}, 'c2lnb')

  it('does not replace a valid token', () => {
    expect(judge({ candidate: torn, current })).toMatchObject({ kind: 'refuse', code: 'ERR_TOKEN_MALFORMED' })
  })

  it('does not replace one when the next read finds the same bytes: the writer may pause, or have died', () => {
    const suspectedTorn = torn.token
    expect(judge({ candidate: torn, current, suspectedTorn })).toMatchObject({ code: 'ERR_TOKEN_MALFORMED' })
  })

  it('replaces one that a server refused, when the next read finds the same bytes', () => {
    const refused = { candidate: torn, current, currentRefused: true }
    expect(judge(refused)).toMatchObject({ code: 'ERR_TOKEN_MALFORMED' })
    expect(judge({ ...refused, suspectedTorn: torn.token })).toEqual({ kind: 'adopt' })
  })

  it('is not suspected when another key or algorithm signed it', () => {
    const other = parseToken(unsignedJwt(claimsOf(NOW_MS, HOUR), { alg: 'ES256', kid: '2' }, 'c2ln'))
    expect(judge({ candidate: other, current })).toEqual({ kind: 'adopt' })
  })
})

describe('for every pair of tokens and every time', () => {
  it('a valid token is never replaced by an expired, foreign or older one, and an expired one is never adopted', () => {
    const token = fc
      .record({
        iatMs: fc.integer({ min: -HOUR, max: HOUR }),
        lifeMs: fc.integer({ min: 1_000, max: 2 * HOUR }),
        aud: fc.constantFrom('vault', 'api'),
      })
      .map(({ iatMs, lifeMs, aud }) => tokenAt(NOW_MS + iatMs, lifeMs, { aud: [aud] }))
    const expectations = { audience: ['vault'], issuer: undefined, subject: undefined }
    fc.assert(
      fc.property(
        token,
        fc.option(token, { nil: undefined }),
        fc.integer({ min: -HOUR, max: 3 * HOUR }),
        (candidate, current, offsetMs) => {
          const nowMs = NOW_MS + offsetMs
          const verdict = judge({ candidate, current, expectations, nowMs })
          if (verdict.kind === 'refuse') return
          expect(candidate.expiresAtMs).toBeGreaterThan(nowMs)
          expect(candidate.audience).toContain('vault')
          const currentIsValid = current?.expiresAtMs !== undefined && current.expiresAtMs > nowMs
          if (currentIsValid) expect(candidate.issuedAtMs).toBeGreaterThanOrEqual(current?.issuedAtMs ?? 0)
        },
      ),
    )
  })
})
