import * as fc from 'fast-check'
import { mutated } from './arbitraries.js'
import { fieldText } from './http-arbitraries.js'

/** A request, part by part, and the bytes that it became. */
export interface HostileRequest {
  readonly method: string
  readonly target: string
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** Whether the bytes are what the parts say, and nothing else. */
  readonly isPlain: boolean
  /** Latin-1; `{{host}}` stands for the right Host. */
  readonly bytes: string
  /** Where the bytes are cut in two. */
  readonly cutAt: number
}

export const HOST = '{{host}}'

const method = fc.oneof(
  { weight: 12, arbitrary: fc.constant('GET') },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'POST',
      'PUT',
      'HEAD',
      'OPTIONS',
      'DELETE',
      'TRACE',
      'CONNECT',
      'PRI',
      'get',
      'QUERY',
      '',
    ),
  },
)
/** Targets of all forms; the good ones are each listener's own. */
const target = (good: readonly string[]) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...good) },
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        ...[
          '*',
          '/',
          '//',
          '//evil.example/',
          '/\\evil/',
          'http://evil.example/v1/token',
          '/..%2f',
          '/%2e%2e/',
          '/%00',
          '/%',
        ],
        ...[
          '/a/../v1/token',
          '/v1/token#',
          '/v1/token?a=\u00ff',
          '/v1/token;x',
          '/v1%2ftoken',
          '/__proto__',
          '/v1/token/__proto__',
        ],
        ...[
          'evil:443',
          '/\u00e9',
          '/ x',
          '/v1/token/%ff',
          '/V1/TOKEN',
          '/v1/token//',
          `/${'a/'.repeat(4_000)}`,
          '/?\r\nX: 1',
        ],
      ),
    },
    { weight: 2, arbitrary: fc.string({ maxLength: 30 }).map((text) => `/${text}`) },
  )
const host = fc.oneof(
  { weight: 8, arbitrary: fc.constant(HOST) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '',
      'evil.example',
      'localhost',
      '127.0.0.1',
      '[::1]',
      `${HOST}:80`,
      `user@${HOST}`,
      'a b',
      '127.1',
    ),
  },
)
const EVIL = 'Bearer evil'
const fields = (own: readonly (readonly [string, string])[]) =>
  fc
    .tuple(
      fc.oneof(
        { weight: 10, arbitrary: host.map((value): [string, string][] => [['Host', value]]) },
        fc.constant<[string, string][]>([]),
        fc.tuple(host, host).map(([one, other]): [string, string][] => [
          ['Host', one],
          ['Host', other],
        ]),
      ),
      fc.oneof({ weight: 5, arbitrary: fc.constant([...own]) }, { weight: 1, arbitrary: fc.constant([]) }),
      fc.array(
        fc.oneof<fc.Arbitrary<readonly [string, string]>[]>(
          fc.tuple(
            fc.constantFrom(
              ...[
                'Origin',
                'Sec-Fetch-Site',
                'Sec-Fetch-Mode',
                'X-Forwarded-For',
                'Forwarded',
                'Via',
                'X-Real-IP',
                'Cookie',
              ],
              ...[
                'Accept',
                'Content-Type',
                'Expect',
                'Range',
                'Upgrade',
                'HTTP2-Settings',
                'Proxy-Authorization',
                'TE',
                'Trailer',
                'X Y',
                'X\0',
              ],
            ),
            fc.oneof(
              fieldText,
              fc.constantFrom(
                'null',
                'http://evil.example',
                'cross-site',
                '100-continue',
                'websocket',
                'h2c',
              ),
            ),
          ),
          fc.tuple(
            fc.constantFrom(
              'Authorization',
              'authorization',
              'Authorization ',
              'X-Vault-Token',
              'Projected-Token',
              'projected_token',
            ),
            fc.oneof(fieldText, fc.constantFrom('true', 'TRUE', 'true, true', EVIL, 'Bearer a\r\nX-Evil: 1')),
          ),
          fc.tuple(
            fc.constant('Connection'),
            fc.constantFrom(
              'close',
              'keep-alive',
              'Authorization',
              'Upgrade',
              'close, Host',
              'Projected-Token',
              'transfer-encoding',
            ),
          ),
        ),
        { maxLength: 4 },
      ),
      fc.oneof({ weight: 12, arbitrary: fc.constant(0) }, fc.constantFrom(150, 700, 2_100)),
    )
    .map(([hosts, own, more, many]) => [
      ...hosts,
      ...own,
      ...more,
      ...Array.from({ length: many }, (_, index) => [`X-Many-${index}`, 'x'] as const),
    ])

/** Where one server sees one request and another sees two. */
const SMUGGLED = `GET /smuggled HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`
const chunked = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`
const body = fc.oneof(
  { weight: 10, arbitrary: fc.constant({ lines: [] as string[], body: '' }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      { lines: ['Content-Length: 5'], body: 'hello' },
      { lines: ['Transfer-Encoding: chunked'], body: chunked('hello') },
      { lines: ['Content-Length: 0'], body: '' },
    ),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        fc.constantFrom(
          ...[
            ['Content-Length: 5', 'Content-Length: 0'],
            ['Content-Length: 0', 'Transfer-Encoding: chunked'],
          ],
          ...[
            ['Transfer-Encoding: chunked', 'Content-Length: 3'],
            ['Transfer-Encoding : chunked'],
            ['Transfer-Encoding:\tchunked'],
          ],
          ...[
            ['Transfer-Encoding: xchunked'],
            ['Transfer-Encoding: chunked, identity'],
            ['Transfer-Encoding: chunked', 'Transfer-Encoding: x'],
          ],
          ...[
            ['Transfer-Encoding: "chunked"'],
            ['Transfer-Encoding: chunked\r\n '],
            ['X: y\nTransfer-Encoding: chunked'],
            ['Transfer_Encoding: chunked'],
          ],
          ...[
            ['Content-Length: +5'],
            ['Content-Length: 5, 5'],
            ['Content-Length: 0x5'],
            ['Content-Length: -1'],
            ['Content-Length: 5 5'],
          ],
          ...[
            ['Content-Length: 9999999999999999999999'],
            ['Content-Length:'],
            ['Expect: 100-continue', 'Content-Length: 5'],
          ],
          ...[
            ['Connection: Content-Length', 'Content-Length: 5'],
            ['Upgrade: websocket', 'Connection: Upgrade', 'Content-Length: 5'],
          ],
        ),
        fc.constantFrom(
          ...[
            SMUGGLED,
            `0\r\n\r\n${SMUGGLED}`,
            `5;a=\r\nhello\r\n0\r\n\r\n${SMUGGLED}`,
            `5\nhello\r\n0\r\n\r\n`,
            `ffffffffffffffff\r\n`,
          ],
          ...[
            `${chunked('hello')}${SMUGGLED}`,
            `0\r\nHost: evil\r\n\r\n${SMUGGLED}`,
            `-1\r\n${SMUGGLED}`,
            `0x5\r\nhello\r\n0\r\n\r\n`,
          ],
        ),
      )
      .map(([lines, text]) => ({ lines, body: text })),
  },
)

/** Requests of all kinds for a listener. @param own the header fields that a good request has */
export function requestFor(
  good: readonly string[],
  own: readonly (readonly [string, string])[],
): fc.Arbitrary<HostileRequest> {
  return fc
    .record({
      method,
      target: target(good),
      version: fc.oneof(
        { weight: 12, arbitrary: fc.constant('HTTP/1.1') },
        fc.constantFrom('HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'ICY', ''),
      ),
      fields: fields(own),
      body,
      close: fc.boolean(),
      end: fc.oneof({ weight: 12, arbitrary: fc.constant('\r\n') }, fc.constantFrom('\n', '\r', '\r\n\r\n')),
      isChanged: fc.oneof(
        { weight: 2, arbitrary: fc.constant(false) },
        { weight: 1, arbitrary: fc.constant(true) },
      ),
      cut: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    .chain(({ method, target, version, fields, body, close, end, isChanged, cut }) => {
      const lines = [
        ...fields.map(([name, value]) => `${name}: ${value}`),
        ...body.lines,
        ...(close ? ['Connection: close'] : []),
      ]
      const text = [`${method} ${target} ${version}`, ...lines, '', body.body].join(
        end === '\r\n\r\n' ? '\r\n' : end,
      )
      const isWhole = version === 'HTTP/1.1' && end === '\r\n' && body.lines.length === 0
      const cutAt = Math.floor(cut * text.length)
      if (!isChanged) {
        return fc.constant({ method, target, fields, isPlain: isWhole, bytes: text, cutAt })
      }
      return mutated(fc.constant(Buffer.from(text, 'latin1')), 3).map((bytes) => ({
        ...{ method, target, fields, cutAt, isPlain: false },
        bytes: Buffer.from(bytes).toString('latin1'),
      }))
    })
}
