import * as fc from 'fast-check'

/** What nobody may see of a token: its signature. Long enough that chance does not make it. */
export const CANARY = 'c4nA1rY2sIg3nAt4uRe5xQ6wE7rT8yU9iO0pL1kJ2hG3fD4sA5zX6cV7bN8mQ9'
export const AUDIENCE = 'vault'
/** When this program began, in seconds: what is to be valid now is an hour from it. */
const NOW_S = Math.floor(Date.now() / 1_000)

/** One change of bytes. */
type Edit =
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'repeat'; readonly at: number; readonly size: number; readonly times: number }

const place = fc.double({ min: 0, max: 1, noNaN: true })
/** White space, controls, marks and what ends a header field. */
const awkward = fc
  .constantFrom(
    '\r\n',
    '\n',
    '\r',
    '\0',
    ' ',
    '\t',
    '\u00ff',
    '\ufeff',
    '\u0085',
    '.',
    '..',
    'eyJ',
    '\x7f',
    '\x1b[2J',
  )
  .map((text) => Buffer.from(text))
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constant('cut'), at: place }),
  fc.record({ kind: fc.constant('flip'), at: place, bit: fc.nat(7) }),
  fc.record({
    kind: fc.constant('insert'),
    at: fc.oneof(place, fc.constantFrom(0, 1)),
    bytes: fc.oneof<fc.Arbitrary<Uint8Array>[]>(awkward, fc.uint8Array({ minLength: 1, maxLength: 24 })),
  }),
  fc.record({
    kind: fc.constant('repeat'),
    at: place,
    size: fc.integer({ min: 1, max: 64 }),
    times: fc.nat(40),
  }),
) as fc.Arbitrary<Edit>

function applied(bytes: Uint8Array, change: Edit): Uint8Array {
  const at = Math.floor(change.at * bytes.length)
  if (change.kind === 'cut') return bytes.subarray(0, at)
  if (change.kind === 'flip') {
    const copy = Uint8Array.from(bytes)
    copy[at] = (copy[at] ?? 0) ^ (1 << change.bit)
    return copy.subarray(0, bytes.length)
  }
  const piece =
    change.kind === 'insert'
      ? change.bytes
      : Buffer.concat(Array.from({ length: change.times }, () => bytes.subarray(at, at + change.size)))
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)])
}

/** Bytes with a few changes, mostly one. */
export function mutated(bytes: fc.Arbitrary<Uint8Array>, maxEdits = 4): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(bytes, fc.array(edit, { maxLength: maxEdits, size: 'small' }))
    .map(([start, edits]) => edits.reduce(applied, start))
}

/** JSON, and what is none, as text: keys may come twice, and numbers be larger than any. */
const rawJson = fc.oneof(
  { weight: 3, arbitrary: fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ...[
        '1e999',
        '-0',
        '-1',
        '1e-7',
        '0.5',
        '253402300799',
        '253402300800',
        '9007199254740993',
        'NaN',
        '{',
        '',
      ],
      ...[
        '"\\ud800"',
        '""',
        '"\\u0000"',
        '"\\r\\nX-Evil: 1"',
        '[]',
        '["vault",1]',
        '[["vault"]]',
        'null',
        'true',
      ],
      ...['{"__proto__":{"polluted":1}}', '{"name":1,"uid":[]}', '{"name":"a"}', '"\\u202e\\u001b[31m"'],
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('[', '{"a":'), fc.integer({ min: 1, max: 4_000 }))
      .map(([open, depth]) => `${open.repeat(depth)}1${(open === '[' ? ']' : '}').repeat(depth)}`),
  },
)
const aTime = fc.oneof(
  fc.integer({ min: -4_000, max: 4_000 }).map((offset) => String(NOW_S + offset)),
  fc.constantFrom(3_000, 80_000, 31_536_000, -31_536_000).map((offset) => String(NOW_S + offset)),
  rawJson,
)
const aText = (usual: string) => fc.oneof(fc.constant(JSON.stringify(usual)), rawJson)

const claim: fc.Arbitrary<readonly [string, string]> = fc.oneof(
  fc.tuple(fc.constantFrom('exp', 'iat', 'nbf'), aTime),
  fc.tuple(fc.constant('aud'), fc.oneof(aText(AUDIENCE), fc.constant('["other","vault"]'))),
  fc.tuple(fc.constantFrom('iss', 'sub', 'jti'), aText('system:serviceaccount:ns:app')),
  fc.tuple(
    fc.constantFrom(
      ...[
        'kubernetes.io',
        'kubernetes.io/serviceaccount/namespace',
        '__proto__',
        'constructor',
        'toString',
        'alg',
      ],
      ...[
        'kubernetes.io/serviceaccount/service-account.name',
        'kubernetes.io/serviceaccount/service-account.uid',
      ],
    ),
    fc.oneof(rawJson, kubernetesClaim()),
  ),
)

function kubernetesClaim(): fc.Arbitrary<string> {
  const members = fc.constantFrom('namespace', 'pod', 'node', 'serviceaccount', 'warnafter', 'secret')
  return fc
    .array(fc.tuple(members, fc.oneof(rawJson, aTime, fc.constant('{"name":"n","uid":"u"}'))), {
      maxLength: 4,
    })
    .map(objectText)
}

function objectText(members: readonly (readonly [string, string])[]): string {
  return `{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`
}

const base64url = (text: string) => Buffer.from(text).toString('base64url')

const header = fc.oneof(
  { weight: 8, arbitrary: fc.constant('{"alg":"RS256","kid":"k"}') },
  {
    weight: 2,
    arbitrary: fc.oneof(
      rawJson,
      fc.constantFrom('{"alg":"none"}', '{"enc":"A256GCM","alg":"dir"}', '{"alg":1}', '{"typ":"JWT"}', '{}'),
    ),
  },
)
const signature = fc.oneof(
  { weight: 8, arbitrary: fc.constant(CANARY) },
  { weight: 1, arbitrary: fc.base64String({ maxLength: 200 }) },
  { weight: 1, arbitrary: fc.constantFrom('', 'a', '=', '.', `${CANARY}.${CANARY}`) },
)
/** Claims that make a good token; those that follow may take their place, as JSON allows. */
const GOOD: readonly (readonly [string, string])[] = [
  ['iss', '"https://issuer.example"'],
  ['sub', '"system:serviceaccount:ns:app"'],
  ['aud', `["${AUDIENCE}"]`],
  ['iat', String(NOW_S - 60)],
  ['exp', String(NOW_S + 3_540)],
]

/** A JWT with claims of all kinds, good ones among them. */
export const jwt: fc.Arbitrary<string> = fc
  .record({
    header,
    good: fc.boolean(),
    claims: fc.array(claim, { maxLength: 5 }),
    signature,
  })
  .map(({ header, good, claims, signature }) =>
    [base64url(header), base64url(objectText([...(good ? GOOD : []), ...claims])), signature].join('.'),
  )

/** A token that holds in every respect. */
export const goodToken = (id = 'good', expiresInS = 3_540): string =>
  [
    base64url('{"alg":"RS256","kid":"k"}'),
    base64url(objectText([...GOOD, ['jti', JSON.stringify(id)], ['exp', String(NOW_S + expiresInS)]])),
    CANARY,
  ].join('.')

/** Few bytes, many times: what takes more than linear time shows it here. */
const monotonous = fc
  .tuple(
    fc.constantFrom(
      ' ',
      '\n',
      '\ufeff',
      'eyJ',
      'eyJ.',
      '.',
      'a',
      'a b',
      '\0',
      'hvs.',
      'eyJhbGciOiJub25lIn0.',
    ),
    fc.nat(200_000),
  )
  .map(([unit, size]) => Buffer.from(unit.repeat(Math.ceil(size / unit.length))))

/** What may lie in a token file. */
export const tokenBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 8, arbitrary: mutated(jwt.map((text) => Buffer.from(text))) },
  { weight: 4, arbitrary: mutated(fc.constant(Buffer.from(`${goodToken()}\n`))) },
  {
    weight: 2,
    arbitrary: mutated(fc.string({ minLength: 1, maxLength: 80 }).map((text) => Buffer.from(text))),
  },
  { weight: 3, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('', '\n', '\ufeff', 'null', '{"token":"x"}', 'a.b.c')
      .map((text) => Buffer.from(text)),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 100 }).map((text) => Buffer.from(text)) },
)

/** The same, and now and then a large one. */
export const tokenBytesOfAnySize: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 250, arbitrary: tokenBytes },
  { weight: 1, arbitrary: monotonous },
)
