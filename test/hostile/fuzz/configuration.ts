import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { prepare } from 'program:sidecar'
import { ConfigError, parseConfig } from '@projected-token/sidecar'
import * as fc from 'fast-check'
import { CANARY, goodToken, mutated } from './arbitraries.js'
import { ensureDiscreet } from './oracles.js'
import { defineTarget, ensure } from './target.js'

/** What somebody pastes into the wrong place, and what was meant to be there. */
const value: fc.Arbitrary<unknown> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom<unknown>(
      ...[
        'api',
        'app',
        '/tokens/api',
        'unix:///run/a.sock',
        '127.0.0.1:0',
        ':8080',
        'off',
        '0.0.0.0:1',
        '[::1]:99999',
      ],
      ...[
        'https://api.example',
        'http://user:pass@api.example/?q#f',
        'javascript:1',
        '0600',
        '0o600',
        384,
        '1:2',
        '-1:-1',
      ],
      ...[
        '5m',
        '0s',
        `${'9'.repeat(30)}h`,
        '-5m',
        1e308,
        0.1,
        null,
        true,
        'trace',
        'authorization',
        'host',
        'a\r\nb',
        'x-\u00e9',
      ],
      ...[
        { signal: 'HUP', pidFile: '/run/pid' },
        { command: ['/bin/true'], timeout: '1s' },
        { command: [] },
        [],
        {},
      ],
      ...['__proto__', 'constructor', '..', '/', '', ' ', '\0', '\u202e', '/dev/zero', 'a'.repeat(5_000)],
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(goodToken(), `hvs.${CANARY}`, CANARY, { [CANARY]: 1 }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
)
const TOP = [
  'tokens',
  'vaultTokens',
  'api',
  'proxies',
  'sinks',
  'health',
  'status',
  'shutdownTimeout',
  'logLevel',
]
const KEYS = [
  ...[
    'name',
    'path',
    'audience',
    'issuer',
    'subject',
    'reloadInterval',
    'reloadIntervalMs',
    'watch',
    'jwt',
    'role',
  ],
  ...[
    'address',
    'namespace',
    'method',
    'mount',
    'caCert',
    'listen',
    'socketMode',
    'socketGroup',
    'upstream',
    'token',
  ],
  ...[
    'vaultToken',
    'header',
    'scheme',
    'clientHeader',
    'allowedHosts',
    'allowNonLoopback',
    'connectTimeout',
    'mode',
  ],
  ...['owner', 'format', 'onChange', 'toString', '__proto__', 'nmae', CANARY],
]
const dictionary = (keys: readonly string[], values: fc.Arbitrary<unknown>) =>
  fc
    .array(fc.tuple(fc.constantFrom(...keys), values), { maxLength: 6 })
    .map(
      (entries) =>
        `{${entries.map(([key, one]) => `${JSON.stringify(key)}: ${JSON.stringify(one) ?? 'null'}`).join(', ')}}`,
    )
const raw = (text: fc.Arbitrary<string>) =>
  text.map((json) => ({ toJSON: () => JSON.parse(json) as unknown }))
const section = fc.oneof(
  { weight: 4, arbitrary: fc.array(raw(dictionary(KEYS, value)), { maxLength: 3 }) as fc.Arbitrary<unknown> },
  { weight: 2, arbitrary: raw(dictionary(KEYS, value)) as fc.Arbitrary<unknown> },
  { weight: 1, arbitrary: value },
)

const GOOD = `# all that there is
tokens:
  - name: api
    path: /tokens/api
    audience: [api, other]
    reloadInterval: 1m
vaultTokens:
  - { name: app, jwt: api, role: app-role, address: 'https://vault:8200', method: jwt }
api: { listen: 'unix:///run/pt/api.sock', socketMode: '0660' }
proxies:
  - &proxy
    listen: 127.0.0.1:8081
    upstream: https://api.example/base
    token: api
sinks:
  - path: /run/out/token
    vaultToken: app
    onChange: { command: [/bin/kill, -HUP, '1'], timeout: 5s }
status: { listen: '127.0.0.1:8090', allowedHosts: [a.example] }
logLevel: debug
`
/** YAML that costs a parser, or means another thing than it looks like. */
const awkwardYaml = fc.constantFrom(
  `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c]\n`,
  ...[
    '&a [*a]',
    'a: *unknown',
    '<<: *x',
    '%YAML 9.9\n---\na: 1',
    '--- a\n--- b',
    '!!js/function "x"',
    '? [a]\n: b',
    '"\\x00"',
    '\ufefftokens: []',
  ],
  ...[
    '['.repeat(20_000),
    '{"a":'.repeat(10_000),
    '- '.repeat(20_000),
    'a:\n'.repeat(20_000),
    '&a '.repeat(10_000),
    '"'.repeat(50_001),
    '\t'.repeat(50_000),
  ],
  ...[
    '? '.repeat(20_000),
    `${' '.repeat(50_000)}a`,
    '!'.repeat(50_000),
    '|'.repeat(50_000),
    "'".repeat(50_001),
    '#'.repeat(50_000),
    'a, '.repeat(30_000),
  ],
  ...[
    `[${'1,'.repeat(30_000)}]`,
    `tokens: [${'{},'.repeat(10_000)}]`,
    `{${'a: 1, '.repeat(10_000)}}`,
    `x: ${'9'.repeat(100_000)}`,
    `"${'\\u0000'.repeat(10_000)}"`,
  ],
)
const yaml = fc.oneof(
  { weight: 60, arbitrary: dictionary(TOP, section) },
  {
    weight: 60,
    arbitrary: mutated(fc.constant(Buffer.from(GOOD))).map((bytes) => Buffer.from(bytes).toString()),
  },
  { weight: 10, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
  { weight: 1, arbitrary: awkwardYaml },
)

const FLAGS = [
  'token',
  'vault',
  'api',
  'proxy',
  'sink',
  'health',
  'status',
  'shutdown-timeout',
  'log-level',
  'config',
]
const asText = value.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)))
const flagText = fc.oneof(
  { weight: 3, arbitrary: asText },
  {
    weight: 3,
    arbitrary: fc
      .array(
        fc.tuple(
          fc.constantFrom(...KEYS, '', '/run/x', '127.0.0.1:1'),
          fc.constantFrom('=', '==', ''),
          asText,
        ),
        { maxLength: 4 },
      )
      .map((parts) => parts.map((part) => part.join('')).join(',')),
  },
)

/** What is told is lines. */
const CONTROL = /[\0-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/

interface Case {
  readonly text: string
  readonly flags: readonly (readonly [string, string])[]
  readonly variables: readonly (readonly [string, string])[]
  readonly json: boolean
}

export const configurationTarget = defineTarget<Case>({
  name: 'configuration',
  what: 'configurations of any text, flags and variables of any value, as far as --check looks at them',
  share: 100,
  async open(scratch) {
    const file = join(scratch, 'sidecar.yaml')
    return {
      arbitrary: fc.record({
        text: yaml,
        flags: fc.array(fc.tuple(fc.constantFrom(...FLAGS, 'json', 'nosuch'), flagText), { maxLength: 3 }),
        variables: fc.array(fc.tuple(fc.constantFrom(...FLAGS), flagText), { maxLength: 2 }),
        json: fc.boolean(),
      }),
      async check({ text, flags, variables, json }) {
        checkText(text)
        const isByFile = flags.length === 0 && variables.length === 0
        if (isByFile) await writeFile(file, text)
        const argv = [
          ...flags.flatMap(([name, one]) => [`--${name}`, one]),
          ...(isByFile ? ['--config', file] : []),
        ]
        const env = Object.fromEntries(
          variables.map(([name, one]) => [`PROJECTED_TOKEN_${name.toUpperCase().replaceAll('-', '_')}`, one]),
        )
        let printed = ''
        const print = (more: string) => {
          printed += more
        }
        const io = { env, columns: 80, stdout: print, stderr: print }
        const prepared = await prepare([...argv, '--check', ...(json ? ['--json'] : [])], io)
        // Without --check among the flags, as when an option took it for its value, there is a configuration.
        const exitCode = 'exitCode' in prepared ? prepared.exitCode : 0
        ensure(exitCode === 0 || exitCode === 2, `an exit code of usage: ${exitCode}`)
        // The name of a file is told, whatever it is: without it nobody could mend it.
        const namesFile = [...flags, ...variables].some(([name]) => name === 'config')
        if (exitCode === 2 && !namesFile)
          ensureDiscreet(printed, 'what is told of a bad configuration', 400_000)
        if (json && printed.startsWith('{')) JSON.parse(printed)
        ensure(!CONTROL.test(printed), `nothing moves a cursor: ${JSON.stringify(printed.slice(0, 500))}`)
        ensure(!('polluted' in {}), 'no configuration changes a prototype')
      },
      close: async () => {},
    }
  },
})

function checkText(text: string): void {
  try {
    parseConfig(text, 'sidecar.yaml')
  } catch (error) {
    ensure(error instanceof ConfigError, `a ConfigError is thrown, not ${error}`)
    ensure(error.problems.length > 0, 'it says what is wrong')
    ensureDiscreet(error.message, 'a message', 400_000)
  }
}
