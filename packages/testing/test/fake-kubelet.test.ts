import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFakeClock, type FakeKubeletOptions, startFakeKubelet } from '@projected-token/testing'
import { decodeProtectedHeader } from 'jose'
import { describe, expect, it } from 'vitest'

const quick = { serve: false, algorithm: 'ES256' } as const satisfies FakeKubeletOptions
const HOUR_MS = 3_600_000

describe('a token of the fake kubelet', () => {
  it('has the claims of a bound service account token', async () => {
    const clock = createFakeClock()
    await using kubelet = await startFakeKubelet({ ...quick, clock, issuer: 'kubernetes.default.svc' })
    const iat = clock.now() / 1_000
    const named = (name: string) => ({ name, uid: expect.stringMatching(/^[0-9a-f-]{36}$/) })
    expect(kubelet.current.claims).toEqual({
      aud: ['vault'],
      exp: iat + 3_600,
      iat,
      iss: 'kubernetes.default.svc',
      jti: expect.any(String),
      'kubernetes.io': {
        namespace: 'default',
        node: named('node-1'),
        pod: named('nginx'),
        serviceaccount: named('build-robot'),
      },
      nbf: iat,
      sub: 'system:serviceaccount:default:build-robot',
    })
    expect(kubelet.current.issuedAtMs).toBe(clock.now())
    expect(kubelet.current.expiresAtMs).toBe(clock.now() + HOUR_MS)
  })

  it('says who it is for, and is another one each time', async () => {
    await using kubelet = await startFakeKubelet({
      ...quick,
      audience: ['a', 'b'],
      namespace: 'n',
      serviceAccount: 's',
      podName: 'p',
      expirationSeconds: 600,
    })
    const first = kubelet.current
    const second = await kubelet.rotate()
    expect(second.token).not.toBe(first.token)
    expect(second.claims).toMatchObject({ aud: ['a', 'b'], sub: 'system:serviceaccount:n:s' })
    expect(second.claims['kubernetes.io']).toEqual(first.claims['kubernetes.io'])
    expect((second.claims.exp ?? 0) - (second.claims.iat ?? 0)).toBe(600)
  })

  it.each(['RS256', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const)(
    'verifies against its key: %s',
    async (algorithm) => {
      await using kubelet = await startFakeKubelet({ ...quick, algorithm })
      const { token, claims } = kubelet.current
      expect(decodeProtectedHeader(token)).toEqual({ alg: algorithm, kid: kubelet.jwks.keys[0]?.kid })
      expect(await kubelet.verify(token)).toEqual(claims)
      await using stranger = await startFakeKubelet({ ...quick, algorithm })
      await expect(kubelet.verify(stranger.current.token)).rejects.toMatchObject({
        code: 'ERR_JWKS_NO_MATCHING_KEY',
      })
    },
  )

  it('is refused after its expiry, for another audience, from another issuer', async () => {
    const clock = createFakeClock()
    await using kubelet = await startFakeKubelet({ ...quick, clock, autoRotate: false })
    const { token } = kubelet.current
    const claim = 'ERR_JWT_CLAIM_VALIDATION_FAILED'
    await expect(kubelet.verify(token, { audience: 'other' })).rejects.toMatchObject({
      code: claim,
      claim: 'aud',
    })
    await expect(kubelet.verify(token, { issuer: 'other' })).rejects.toMatchObject({
      code: claim,
      claim: 'iss',
    })
    await kubelet.verify(token, { audience: ['other', 'vault'] })
    await kubelet.verify(token, { audience: [] })

    await clock.advance(HOUR_MS - 1)
    await kubelet.verify(token)
    await clock.advance(1)
    await expect(kubelet.verify(token)).rejects.toMatchObject({ code: 'ERR_JWT_EXPIRED' })
    await kubelet.verify(token, { clockToleranceMs: 60_000 })
  })

  it('is signed without being written by issueToken(), with any claims', async () => {
    await using kubelet = await startFakeKubelet({ ...quick, autoRotate: false })
    const before = kubelet.current
    const claims = { exp: undefined, sub: 'somebody', extra: [1], 'kubernetes.io': undefined }
    const issued = await kubelet.issueToken({ audience: 'other', claims })
    expect(issued.claims).toMatchObject({ aud: ['other'], sub: 'somebody', extra: [1] })
    expect(issued.expiresAtMs).toBeUndefined()
    expect(Object.keys(issued.claims)).not.toContain('kubernetes.io')
    expect(await kubelet.verify(issued.token, { audience: 'other' })).toEqual(issued.claims)
    const hostile = await kubelet.issueToken({ claims: { exp: 'soon', iat: -1, nbf: {} } })
    expect(hostile.claims).toMatchObject({ exp: 'soon', iat: -1, nbf: {} })
    expect(kubelet.current).toBe(before)
    expect(await readFile(kubelet.path, 'utf8')).toBe(before.token)
  })

  it('can have its expiry extended by a year, with the rotation unchanged', async () => {
    const clock = createFakeClock()
    const options = { ...quick, clock, expirationSeconds: 3_607, extendedExpiration: true }
    await using kubelet = await startFakeKubelet(options)
    const { claims, status, issuedAtMs = 0 } = kubelet.current
    const iat = claims.iat ?? 0
    expect(claims.exp).toBe(iat + 365 * 86_400)
    expect(claims['kubernetes.io']).toMatchObject({ warnafter: iat + 3_607 })
    expect(status).toEqual({ expirationSeconds: 3_607, expirationTimestampMs: issuedAtMs + 3_607_000 })
    await clock.advance(3_000_000)
    expect(kubelet.rotations).toBe(1)
  })

  it('is dated by the clock of the API server, which may be off', async () => {
    const clock = createFakeClock()
    await using kubelet = await startFakeKubelet({ ...quick, clock, clockSkewMs: 120_000, autoRotate: false })
    expect(kubelet.current.issuedAtMs).toBe(clock.now() + 120_000)
    await kubelet.verify(kubelet.current.token)
    kubelet.setClockSkew(-60_000)
    expect((await kubelet.rotate()).issuedAtMs).toBe(clock.now() - 60_000)
  })
})

describe('the rotation', () => {
  it('happens by itself as a kubelet does it: after 80 % of the life', async () => {
    const clock = createFakeClock()
    const startMs = clock.now()
    await using kubelet = await startFakeKubelet({ ...quick, clock })
    const first = kubelet.current
    await clock.advance(0.8 * HOUR_MS - 9_000)
    expect(kubelet.rotations).toBe(0)
    await clock.advance(9_000 + 90_000)
    expect(kubelet.rotations).toBe(1)
    expect(kubelet.current.token).not.toBe(first.token)
    expect(kubelet.writtenAtMs).toBeGreaterThan(startMs + 0.8 * HOUR_MS - 9_000)
    expect(await readFile(kubelet.path, 'utf8')).toBe(kubelet.current.token)
    await clock.advance(6 * HOUR_MS)
    expect(kubelet.rotations).toBeGreaterThanOrEqual(8)
    expect((await kubelet.verify(kubelet.current.token)).exp).toBeGreaterThan(clock.now() / 1_000)
  })

  it('looks every 60 to 90 s and rolls the jitter anew each time, as random says', async () => {
    // One roll for the first pace, then a jitter and a pace at each look. With a pace of 60 s, the 48th look is at
    // 80 % of the life to the millisecond: not late enough with a jitter of 0, but with one of 9 s.
    const rotatesAt = async (rolls: Record<number, number>) => {
      const clock = createFakeClock()
      const startMs = clock.now()
      let roll = 0
      await using kubelet = await startFakeKubelet({ ...quick, clock, random: () => rolls[roll++] ?? 0 })
      await clock.advance(0.8 * HOUR_MS + 150_000)
      expect(kubelet.rotations).toBe(1)
      return (kubelet.writtenAtMs - startMs) / 1_000
    }
    expect(await rotatesAt({})).toBe(2_940)
    expect(await rotatesAt({ 95: 0.99 })).toBe(2_880)
    expect(await rotatesAt({ 0: 0.5 })).toBe(2_895)
    expect(await rotatesAt({ 96: 0.98 })).toBe(2_969.4)
  })

  it('happens on demand, due or not, with other properties for that one token', async () => {
    const clock = createFakeClock()
    await using kubelet = await startFakeKubelet({ ...quick, clock })
    const issued = await kubelet.rotate({ expirationSeconds: 600, audience: 'other', claims: { sub: 'x' } })
    expect(kubelet.current).toBe(issued)
    expect(issued.claims).toMatchObject({ aud: ['other'], sub: 'x' })
    expect(issued.expiresAtMs).toBe(clock.now() + 600_000)
    expect(kubelet.rotations).toBe(1)
    // The next one is due by the short life, and is an ordinary token again.
    await clock.advance(480_000 + 90_000)
    expect(kubelet.rotations).toBe(2)
    expect(kubelet.current.claims).toMatchObject({ aud: ['vault'] })
  })

  it('happens only on demand without autoRotate, and leaves no timer', async () => {
    const clock = createFakeClock()
    await using kubelet = await startFakeKubelet({ ...quick, clock, autoRotate: false })
    expect(clock.pendingTimers).toBe(0)
    await clock.advance(48 * HOUR_MS)
    expect(kubelet.rotations).toBe(0)
    expect(await kubelet.sync()).toBe('rotated')
    expect(await kubelet.sync()).toBe('unchanged')
  })

  it('follows real time by default', async () => {
    await using kubelet = await startFakeKubelet({ ...quick, expirationSeconds: 1, syncPeriodMs: 1 })
    const first = kubelet.current.token
    while (kubelet.rotations === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(kubelet.current.token).not.toBe(first)
    expect(Math.abs(kubelet.writtenAtMs - Date.now())).toBeLessThan(60_000)
  })

  it('is not undone by a clock that goes back, and comes early when it goes forward', async () => {
    const clock = createFakeClock()
    await using kubelet = await startFakeKubelet({ ...quick, clock })
    clock.step(-12 * HOUR_MS)
    await clock.advance(HOUR_MS)
    expect(kubelet.rotations).toBe(0)
    clock.step(13 * HOUR_MS)
    await clock.advance(90_000)
    expect(kubelet.rotations).toBe(1)
  })

  it('stops during an outage: the file stays, past its expiry, and is replaced when it ends', async () => {
    const clock = createFakeClock()
    await using kubelet = await startFakeKubelet({ ...quick, clock })
    const { token } = kubelet.current
    kubelet.setOutage(true)
    await clock.advance(HOUR_MS - 1)
    const requestsWhileValid = kubelet.failedTokenRequests
    expect(requestsWhileValid).toBeGreaterThanOrEqual(7)
    await clock.advance(5 * HOUR_MS)
    expect(await readFile(kubelet.path, 'utf8')).toBe(token)
    expect(kubelet.rotations).toBe(0)
    // Backing off to one request in 2 min 2 s.
    expect(kubelet.failedTokenRequests - requestsWhileValid).toBeLessThan(165)
    expect(await kubelet.sync()).toBe('failed')
    await expect(kubelet.rotate()).rejects.toMatchObject({ code: 'ERR_FAKE_KUBELET_OUTAGE' })
    await expect(kubelet.issueToken()).rejects.toMatchObject({ code: 'ERR_FAKE_KUBELET_OUTAGE' })
    expect(kubelet.lastSyncError).toBeUndefined()

    kubelet.setOutage(false)
    await clock.advance(122_000)
    expect(kubelet.rotations).toBe(1)
    await kubelet.verify(await readFile(kubelet.path, 'utf8'))
  })

  it('runs calls one after the other', async () => {
    await using kubelet = await startFakeKubelet({ ...quick, autoRotate: false })
    const issued = await Promise.all(Array.from({ length: 10 }, () => kubelet.rotate()))
    expect(new Set(issued.map(({ token }) => token)).size).toBe(10)
    expect(kubelet.rotations).toBe(10)
    expect(await readFile(kubelet.path, 'utf8')).toBe(issued.at(-1)?.token)
  })

  it('refuses a call from a callback that it waits for, instead of hanging', async () => {
    let rotate: (() => Promise<unknown>) | undefined
    await using kubelet = await startFakeKubelet({ ...quick, onFileOperation: () => rotate?.() })
    rotate = () => kubelet.rotate()
    await expect(kubelet.rotate()).rejects.toThrow(/wait for itself/)
  })

  it('backs off when it cannot write again what somebody took away, though no token is due', async () => {
    const clock = createFakeClock()
    const startMs = clock.now()
    let attempts = 0
    await using kubelet = await startFakeKubelet({
      ...quick,
      clock,
      onFileOperation: ({ kind }) => {
        if (clock.now() === startMs) return
        if (kind === 'mkdir') attempts++
        throw new Error('the disk is full')
      },
    })
    await rm(join(kubelet.directory, '..data'))
    await clock.advance(600_000)
    expect(attempts).toBeGreaterThan(5)
    expect(attempts).toBeLessThan(15)
  })

  it('keeps the error of a sync that nobody asked for, and goes on', async () => {
    const clock = createFakeClock()
    let isFull = false
    await using kubelet = await startFakeKubelet({
      ...quick,
      clock,
      onFileOperation: () => {
        if (isFull) throw new Error('the disk is full')
      },
    })
    isFull = true
    await clock.advance(HOUR_MS)
    expect(kubelet.lastSyncError).toMatchObject({ message: 'the disk is full' })
    isFull = false
    await clock.advance(122_000)
    expect(kubelet.lastSyncError).toBeUndefined()
    expect(kubelet.rotations).toBe(1)
  })
})

describe('the end of a fake kubelet', () => {
  it('removes its temporary directory, its timers and its server; closing again does nothing', async () => {
    const clock = createFakeClock()
    const kubelet = await startFakeKubelet({ ...quick, serve: true, clock })
    expect(clock.pendingTimers).toBe(1)
    await Promise.all([kubelet.close(), kubelet.close()])
    await kubelet[Symbol.asyncDispose]()
    expect(existsSync(kubelet.directory)).toBe(false)
    expect(clock.pendingTimers).toBe(0)
    await expect(fetch(kubelet.jwksUrl ?? '')).rejects.toThrow()
    await expect(kubelet.rotate()).rejects.toMatchObject({ code: 'ERR_FAKE_KUBELET_CLOSED' })
    await expect(kubelet.issueToken()).rejects.toMatchObject({ code: 'ERR_FAKE_KUBELET_CLOSED' })
    await kubelet.verify(kubelet.current.token)
  })

  it('can be closed after a callback that it waits for has tried to', async () => {
    let close: (() => Promise<void>) | undefined
    const kubelet = await startFakeKubelet({ ...quick, onFileOperation: () => close?.() })
    close = () => kubelet.close()
    await expect(kubelet.rotate()).rejects.toThrow(/wait for itself/)
    close = undefined
    await kubelet.rotate()
    await kubelet.close()
    expect(existsSync(kubelet.directory)).toBe(false)
  })

  it('waits for a write under way', async () => {
    const kubelet = await startFakeKubelet(quick)
    const rotation = kubelet.rotate()
    await kubelet.close()
    await rotation
    expect(existsSync(kubelet.directory)).toBe(false)
  })

  it('leaves a directory that was given to it, and made it if it was missing', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'volume-'))
    const directory = join(parent, 'var/run/secrets/tokens')
    const kubelet = await startFakeKubelet({ ...quick, directory })
    await kubelet.close()
    expect(await readFile(join(directory, 'token'), 'utf8')).toBe(kubelet.current.token)
    await rm(parent, { recursive: true })
  })

  it('names the option when this Node cannot make a key for the algorithm', async () => {
    const started = startFakeKubelet({ ...quick, algorithm: 'ML-DSA-44' })
    const error = await started.then((kubelet) => kubelet.close()).catch((reason: unknown) => reason)
    if (error === undefined) return // a Node that can
    expect(error).toBeInstanceOf(RangeError)
    expect(error).toMatchObject({ message: expect.stringContaining("'algorithm'") })
  })

  it('leaves nothing behind when it cannot start', async () => {
    const { port } = await startFakeKubelet({ ...quick, serve: true }).then(async (kubelet) => {
      await kubelet.close()
      return new URL(kubelet.url ?? '')
    })
    const options = { ...quick, serve: true, port: Number(port) }
    const directory = join(process.execPath, 'not-a-directory')
    await expect(startFakeKubelet({ ...options, directory })).rejects.toMatchObject({ code: 'ENOTDIR' })
    // The failed one has let go of its port.
    await using kubelet = await startFakeKubelet(options)
    expect(kubelet.url).toContain(port)
  })
})

describe('the options of a fake kubelet', () => {
  const typeErrors: Array<[object, RegExp]> = [
    [{ unknown: 1 }, /no option 'unknown'; it has 'directory', 'fileName'/],
    [{ directory: 5 }, /'directory' must be a string, not empty; got a number/],
    [{ fileName: '' }, /'fileName' must be a string, not empty; got an empty string/],
    [{ audience: [] }, /'audience' must be a non-empty string or a non-empty array of them; got an array/],
    [{ audience: ['a', 5] }, /'audience'/],
    [
      { expirationSeconds: '600' },
      /'expirationSeconds' must be a whole number of seconds from 1 to 4294967296; got a string/,
    ],
    [{ extendedExpiration: 1 }, /'extendedExpiration' must be a boolean; got a number/],
    [{ issuer: null }, /'issuer' must be a string, not empty; got null/],
    [{ namespace: {} }, /'namespace' must be a string, not empty; got an object/],
    [{ mode: '0600' }, /'mode' must be permission bits.*got a string/],
    [{ clock: {} }, /'clock' must have the functions now, monotonicNow, setTimer; got an object/],
    [{ clock: null }, /'clock'.*got null/],
    [{ autoRotate: 'no' }, /'autoRotate'/],
    [{ serve: 0 }, /'serve'/],
    [{ random: 0.5 }, /'random' must be a function; got a number/],
    [{ onFileOperation: [] }, /'onFileOperation' must be a function; got an array/],
    [{ algorithm: 1 }, /'algorithm' must be one of 'RS256'.*got a number/],
  ]
  it.each(typeErrors)('throws a TypeError at once for %o', (options, message) => {
    expect(() => startFakeKubelet(options as FakeKubeletOptions)).toThrow(TypeError)
    expect(() => startFakeKubelet(options as FakeKubeletOptions)).toThrow(message)
  })

  const rangeErrors: Array<[object, RegExp]> = [
    [{ fileName: '/token' }, /'fileName' must be a relative path/],
    [{ fileName: '../token' }, /'fileName'/],
    [{ fileName: '..data' }, /'fileName'/],
    [{ fileName: 'a//b' }, /'fileName'/],
    [{ fileName: 'a/../b' }, /'fileName'/],
    [{ fileName: 'x'.repeat(256) }, /'fileName'/],
    [{ expirationSeconds: 0 }, /'expirationSeconds'.*got 0/],
    [{ expirationSeconds: 1.5 }, /'expirationSeconds'.*got 1.5/],
    [{ expirationSeconds: Number.NaN }, /got NaN/],
    [{ algorithm: 'HS256' }, /'algorithm' must be one of 'RS256'/],
    [{ writer: 'v1.19' }, /'writer' must be one of 'current', 'v1.20', 'windows'/],
    [{ mode: 0o1777 }, /'mode'/],
    [{ uid: -1 }, /'uid'/],
    [{ gid: 2 ** 32 }, /'gid'/],
    [{ syncPeriodMs: 0 }, /'syncPeriodMs' must be a number of milliseconds from 1 to 86400000; got 0/],
    [{ clockSkewMs: 1e15 }, /'clockSkewMs'/],
    [{ port: 65_536 }, /'port'/],
  ]
  it.each(rangeErrors)('throws a RangeError at once for %o', (options, message) => {
    expect(() => startFakeKubelet(options as FakeKubeletOptions)).toThrow(RangeError)
    expect(() => startFakeKubelet(options as FakeKubeletOptions)).toThrow(message)
  })

  it('may be undefined, which is the same as absent', async () => {
    await using kubelet = await startFakeKubelet({
      ...quick,
      audience: undefined,
      clock: undefined,
      mode: undefined,
    })
    expect(kubelet.current.claims.aud).toEqual(['vault'])
  })

  it('are checked in methods too', async () => {
    await using kubelet = await startFakeKubelet({ ...quick, autoRotate: false })
    expect(() => kubelet.rotate({ expirationSeconds: 0 })).toThrow(RangeError)
    expect(() => kubelet.rotate({ audiences: 'x' } as never)).toThrow(/no option 'audiences'/)
    expect(() => kubelet.issueToken({ claims: [] as never })).toThrow(TypeError)
    expect(() => kubelet.verify('', {})).toThrow(TypeError)
    expect(() => kubelet.verify('x', { clockToleranceMs: -1 })).toThrow(RangeError)
    expect(() => kubelet.setOutage(1 as never)).toThrow(TypeError)
    expect(() => kubelet.setClockSkew(Number.NaN)).toThrow(RangeError)
    expect(() => kubelet.burst(0)).toThrow(RangeError)
    expect(() => kubelet.attributeStorm(1_001)).toThrow(RangeError)
    expect(() => kubelet.truncateAndWrite({ chunks: 1 })).toThrow(RangeError)
    expect(() => kubelet.eaccesWindow({ onDenied: 1 as never })).toThrow(TypeError)
    expect(() => kubelet.writeRaw(5 as never)).toThrow(TypeError)
    expect(() => kubelet.wrongAudience([])).toThrow(TypeError)
    expect(() => kubelet.obstruct('wall' as never)).toThrow(RangeError)
    expect(() => kubelet.setMode(0o7777)).toThrow(RangeError)
    expect(() => kubelet.remove({ all: true } as never)).toThrow(TypeError)
    expect(() => kubelet.subPathCopy('')).toThrow(TypeError)
  })
})
