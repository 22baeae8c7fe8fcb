import * as fc from 'fast-check'
import type { RawAnswer } from './raw-server.js'

/** What may stand in a header field without being one: ends of lines, controls, and bytes beyond ASCII. */
export const fieldText = fc.oneof(
  { weight: 3, arbitrary: fc.string({ maxLength: 30 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...[
        '',
        ' ',
        '\t',
        '0',
        '-1',
        '1e9',
        '99999999999999999999',
        '+5',
        '5, 5',
        '5\r\n 6',
        'chunked',
        'gzip, chunked',
      ],
      ...[
        'a\r\nX-Evil: 1',
        'a\nX-Evil: 1',
        'a\0b',
        '\x7f',
        '\u00ff\u00fe',
        'Wed, 21 Oct 2099 07:28:00 GMT',
        'NaN',
      ],
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
)

const answerFields = fc.array(
  fc.tuple(
    fc.constantFrom(
      ...[
        'Content-Length',
        'Transfer-Encoding',
        'Content-Type',
        'Content-Encoding',
        'Retry-After',
        'Location',
      ],
      ...['Connection', 'Set-Cookie', 'Upgrade', 'Trailer', 'X\0Y', 'X Y', '', 'Date', 'WWW-Authenticate'],
    ),
    fieldText,
  ),
  { maxLength: 4 },
)

export const status = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(200, 204, 307, 400, 403, 404, 412, 429, 472, 473, 500, 502, 503) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 1_099 }) },
)

/** How the length of an answer's body is told: rightly, mostly. */
const framing = fc.oneof(
  { weight: 12, arbitrary: fc.constant('length' as const) },
  { weight: 2, arbitrary: fc.constant('chunked' as const) },
  { weight: 1, arbitrary: fc.constantFrom('close', 'short', 'long', 'both', 'none', 'broken-chunk') },
)

interface AnswerParts {
  readonly status: number
  readonly framing: 'length' | 'chunked' | 'close' | 'short' | 'long' | 'both' | 'none' | 'broken-chunk'
  readonly fields: readonly (readonly [string, string])[]
  readonly body: string
  readonly noise: string
}

/** Bytes of an answer: HTTP, nearly HTTP, or none. */
export function answerWith(body: fc.Arbitrary<string>, statuses = status): fc.Arbitrary<RawAnswer> {
  const parts = fc.record({
    status: statuses,
    framing,
    fields: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, answerFields),
    body,
    noise: fc.oneof({ weight: 12, arbitrary: fc.constant('') }, fc.string({ unit: 'binary', maxLength: 40 })),
  })
  return fc.oneof(
    { weight: 20, arbitrary: parts.map(toAnswer) },
    {
      weight: 1,
      arbitrary: fc
        .oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.constantFrom('', 'HTTP/1.1', 'HTTP/9.9 200 OK\r\n\r\n', '\r\n\r\n'),
        )
        .map((bytes): RawAnswer => ({ bytes, after: 'end' })),
    },
    { weight: 1, arbitrary: fc.constant<RawAnswer>({ bytes: '', after: 'reset' }) },
  )
}

function toAnswer({ status, framing, fields, body, noise }: AnswerParts): RawAnswer {
  const length = Buffer.byteLength(body)
  const chunk = `${length.toString(16)}\r\n${body}\r\n`
  const chunks = length === 0 ? '0\r\n\r\n' : `${chunk}0\r\n\r\n`
  const [lengths, content] = {
    length: [`Content-Length: ${length}\r\n`, body],
    chunked: ['Transfer-Encoding: chunked\r\n', chunks],
    close: ['Connection: close\r\n', body],
    short: [`Content-Length: ${Math.max(0, length - 1)}\r\n`, body],
    long: [`Content-Length: ${length + 10}\r\n`, body],
    both: [`Content-Length: ${length}\r\nTransfer-Encoding: chunked\r\n`, chunks],
    none: ['', body],
    'broken-chunk': ['Transfer-Encoding: chunked\r\n', `zz\r\n${body}\r\n`],
  }[framing] as [string, string]
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const isWhole = (framing === 'length' || framing === 'chunked') && fields.length === 0 && noise === ''
  return {
    bytes: `HTTP/1.1 ${status} X${noise}\r\n${lengths}${lines}\r\n${content}`,
    // What lacks its end gets one by the connection's: nothing here waits for a limit of time.
    after: isWhole && status >= 200 ? 'keep' : 'end',
  }
}
