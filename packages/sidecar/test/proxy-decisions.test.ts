import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { classifyFailure, mayResend } from '../src/proxy/classify-failure.js'
import { createFrameTracker, goingAwayFrame } from '../src/proxy/frame-tracker.js'
import { createHostPolicy } from '../src/proxy/host-policy.js'
import { upstreamPath } from '../src/proxy/request-target.js'

const bases = fc.constantFrom('https://up.example', 'http://up.example:8080/base', 'https://up.example/a/b/')
const pieces = fc.constantFrom(
  '/',
  '\\',
  '.',
  '..',
  '%2e',
  '%2f',
  '%5c',
  '%00',
  '\t',
  '?',
  '#',
  '@',
  ':',
  'a',
  '//',
  'evil.example',
  'http:',
  '%',
  '%25',
  'ä',
  '[',
  ' ',
)

describe('the path for the upstream', () => {
  it('is below the base path of the upstream, whatever is asked for', () => {
    fc.assert(
      fc.property(bases, fc.array(pieces, { maxLength: 12 }), (base, parts) => {
        const upstream = new URL(base)
        const result = upstreamPath(parts.join(''), upstream)
        if (result === undefined) return
        const url = new URL(result, upstream)
        expect(url.origin).toBe(upstream.origin)
        expect(url.pathname.startsWith(upstream.pathname.replace(/\/$/, ''))).toBe(true)
        expect(result.startsWith('//')).toBe(false)
        expect(decodeURIComponent(url.pathname).split(/[/\\]/)).not.toContain('..')
      }),
      { numRuns: 3_000 },
    )
  })

  it('keeps plain paths and queries as they are', () => {
    const segment = fc.stringMatching(/^[a-z0-9_~!$&'()*+,;=:@-]{1,8}$/)
    fc.assert(
      fc.property(bases, fc.array(segment), fc.stringMatching(/^[a-z0-9=&/?%.]*$/), (base, parts, query) => {
        const upstream = new URL(base)
        const target = `/${parts.join('/')}?${query}`
        expect(upstreamPath(target, upstream)).toBe(upstream.pathname.replace(/\/$/, '') + target)
      }),
    )
  })
})

describe('the host policy', () => {
  it('lets no foreign name in', () => {
    const policy = createHostPolicy(new URL('https://up.example'))
    fc.assert(
      fc.property(fc.domain(), fc.option(fc.integer({ min: 0, max: 65_535 })), (name, port) => {
        const host = port === null ? name : `${name}:${port}`
        expect(policy.judge({ host })).toBe(name === 'up.example' ? undefined : 'host')
        expect(policy.judge({ host: 'localhost', origin: `https://${host}` })).toBe('origin')
      }),
    )
  })
})

interface Frame {
  length: number
  masked: boolean
}

/** A frame as RFC 6455 has it, with the shortest length. */
function encode({ length, masked }: Frame): Buffer {
  const head = length < 126 ? Buffer.alloc(2) : length < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10)
  head[0] = 0x82
  head[1] = (masked ? 0x80 : 0) | (length < 126 ? length : length < 65_536 ? 126 : 127)
  if (head.length === 4) head.writeUInt16BE(length, 2)
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([head, Buffer.alloc((masked ? 4 : 0) + length, 0xff)])
}

describe('the frames of a web socket', () => {
  const lengths = fc.oneof(
    fc.integer({ min: 0, max: 300 }),
    fc.constantFrom(125, 126, 65_535, 65_536, 70_000),
  )
  const frames = fc.array(fc.record({ length: lengths, masked: fc.boolean() }), {
    minLength: 1,
    maxLength: 6,
  })

  it('are told apart however their bytes arrive', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1 }), (list, cuts) => {
        const bounds = new Set<number>()
        let total = 0
        for (const frame of list) {
          total += encode(frame).length
          bounds.add(total)
        }
        const bytes = Buffer.concat(list.map(encode))
        const tracker = createFrameTracker()
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const chunk = bytes.subarray(at, at + (cuts[turn % cuts.length] as number))
          expect(tracker.advance(chunk, false)).toBe(chunk.length)
          at += chunk.length
          expect(tracker.atBoundary).toBe(bounds.has(at))
        }
      }),
    )
  })

  it('are read to the next boundary, and no further', () => {
    fc.assert(
      fc.property(frames, fc.nat(), (list, cut) => {
        const bytes = Buffer.concat(list.map(encode))
        const at = cut % bytes.length
        const tracker = createFrameTracker()
        tracker.advance(bytes.subarray(0, at), false)
        const wasAtBoundary = tracker.atBoundary
        const read = tracker.advance(bytes.subarray(at), true)
        expect(read === 0).toBe(wasAtBoundary)
        expect(tracker.atBoundary).toBe(true)
      }),
    )
  })

  it('have a farewell of their own', () => {
    expect(goingAwayFrame()).toEqual(Buffer.from([0x88, 2, 0x03, 0xe9]))
    expect(goingAwayFrame(Buffer.from([1, 2, 3, 4]))).toEqual(
      Buffer.from([0x88, 0x82, 1, 2, 3, 4, 0x02, 0xeb]),
    )
  })
})

describe('a failure', () => {
  it.each([
    ['ECONNREFUSED', 'ERR_PROXY_UPSTREAM_CONNECT'],
    ['UND_ERR_HEADERS_TIMEOUT', 'ERR_PROXY_UPSTREAM_TIMEOUT'],
    ['CERT_HAS_EXPIRED', 'ERR_PROXY_UPSTREAM_TLS'],
    ['ESOMETHING', 'ERR_PROXY_UPSTREAM'],
  ])('with %s is %s', (code, expected) => {
    expect(classifyFailure(Object.assign(new Error('x'), { code }))).toBe(expected)
  })

  it('of a connection has a request sent again, when it may be: once', () => {
    const reset = Object.assign(new Error('x'), { code: 'UND_ERR_SOCKET' })
    expect(mayResend('GET', false, reset, 0)).toBe(true)
    expect(mayResend('GET', false, reset, 1)).toBe(false)
    expect(mayResend('POST', false, reset, 0)).toBe(false)
    expect(mayResend('OPTIONS', true, reset, 0)).toBe(false)
    expect(mayResend('GET', false, Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 0)).toBe(false)
    expect(mayResend('GET', false, null, 0)).toBe(false)
  })
})
