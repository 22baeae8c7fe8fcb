import { ConfigError, parseConfig, type SidecarConfig } from '@projected-token/sidecar'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

/** All problems of a bad configuration, one a line. */
function problemsOf(text: string): string[] {
  try {
    parseConfig(text, 'c.yaml')
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n')
    throw error
  }
  return []
}

const FULL = `
tokens:
  - name: vault-token
    path: /var/run/secrets/tokens/vault-token
    audience: vault
    reloadInterval: 90s
  - name: other
    path: /var/run/secrets/tokens/other
    audience: [one, two]
    issuer: https://issuer.example
    subject: system:serviceaccount:ns:app
    reloadIntervalMs: 1500
    watch: false
vaultTokens:
  - { name: app, jwt: vault-token, role: app-role, address: 'https://vault:8200', method: jwt, mount: k8s, namespace: team, caCert: /ca.pem, loginSpread: 35m }
api: { listen: 'unix:///run/pt/api.sock', socketMode: '0660', socketGroup: 1000 }
proxies:
  - { listen: '127.0.0.1:8081', upstream: 'https://api.example/base', token: other, caCert: /ca.pem, headersTimeout: 2m }
  - { listen: '[::1]:8082', upstream: 'https://vault:8200', vaultToken: app }
  - { listen: '0.0.0.0:8083', allowNonLoopback: true, upstream: 'http://x', token: other, header: X-Token, scheme: '', clientHeader: replace, allowedHosts: [api.example] }
sinks:
  - { token: other, path: /run/out/token, mode: '0640', owner: '1000:1001', onChange: { command: [nginx, -s, reload], timeout: 5s } }
  - { vaultToken: app, path: /run/out/vault.json, format: json, onChange: { signal: HUP, pidFile: /run/x.pid } }
health: { listen: ':9090' }
status: { listen: '127.0.0.1:8090' }
shutdownTimeout: 10s
logLevel: debug
`

describe('a configuration', () => {
  it('may be empty: then the pod’s own token is served on loopback', () => {
    const expected: SidecarConfig = {
      tokens: [
        {
          name: 'default',
          path: '/var/run/secrets/kubernetes.io/serviceaccount/token',
          audience: [],
          issuer: undefined,
          subject: undefined,
          reloadIntervalMs: 300_000,
          watch: true,
        },
      ],
      vaultTokens: [],
      api: { listen: { kind: 'tcp', host: '127.0.0.1', port: 8180 } },
      proxies: [],
      sinks: [],
      health: { listen: { kind: 'tcp', host: '::', port: 8080 } },
      status: { listen: undefined, allowedHosts: [] },
      shutdownTimeoutMs: 25_000,
      logLevel: 'info',
    }
    expect(parseConfig('', 'c.yaml')).toEqual(expected)
    expect(parseConfig('# nothing yet\n', 'c.yaml')).toEqual(expected)
  })

  it('says everything that can be said', () => {
    const config = parseConfig(FULL, 'c.yaml')
    expect(config.tokens).toMatchObject([
      { name: 'vault-token', audience: ['vault'], reloadIntervalMs: 90_000, watch: true },
      { name: 'other', audience: ['one', 'two'], reloadIntervalMs: 1_500, watch: false },
    ])
    expect(config.vaultTokens).toEqual([
      {
        name: 'app',
        jwt: 'vault-token',
        role: 'app-role',
        address: 'https://vault:8200',
        method: 'jwt',
        mount: 'k8s',
        namespace: 'team',
        caFile: '/ca.pem',
        loginSpreadMs: 2_100_000,
      },
    ])
    expect(config.api.listen).toEqual({ kind: 'unix', path: '/run/pt/api.sock', mode: 0o660, gid: 1_000 })
    expect(config.proxies).toMatchObject([
      {
        source: { kind: 'projected', name: 'other' },
        header: 'authorization',
        scheme: 'Bearer',
        clientHeader: 'keep',
        caFile: '/ca.pem',
        headersTimeoutMs: 120_000,
      },
      {
        listen: { kind: 'tcp', host: '::1', port: 8_082 },
        source: { kind: 'vault', name: 'app' },
        header: 'x-vault-token',
        scheme: '',
      },
      { header: 'x-token', scheme: '', clientHeader: 'replace', allowedHosts: ['api.example'] },
    ])
    expect(config.proxies[0]?.upstream.href).toBe('https://api.example/base')
    expect(config.sinks).toEqual([
      {
        source: { kind: 'projected', name: 'other' },
        path: '/run/out/token',
        mode: 0o640,
        uid: 1_000,
        gid: 1_001,
        format: 'token',
        onChange: { command: ['nginx', '-s', 'reload'], timeoutMs: 5_000 },
      },
      {
        source: { kind: 'vault', name: 'app' },
        path: '/run/out/vault.json',
        mode: 0o600,
        uid: undefined,
        gid: undefined,
        format: 'json',
        onChange: { signal: 'SIGHUP', pidFile: '/run/x.pid' },
      },
    ])
    expect(config).toMatchObject({ shutdownTimeoutMs: 10_000, logLevel: 'debug' })
  })

  it('spreads logins over a day at most, as Vault’s client does', () => {
    const { vaultTokens } = parseConfig(
      `tokens: [{ name: a, path: /a }]
vaultTokens: [{ name: v, jwt: a, role: r, loginSpread: 24h }, { name: w, jwt: a, role: r, loginSpreadMs: 86400000 }]`,
      'c.yaml',
    )
    expect(vaultTokens.map(({ loginSpreadMs }) => loginSpreadMs)).toEqual([86_400_000, 86_400_000])
  })

  it('turns listeners off', () => {
    const config = parseConfig('api: { listen: off }\nhealth: { listen: off }', 'c.yaml')
    expect([config.api.listen, config.health.listen]).toEqual([undefined, undefined])
  })

  it('may use anchors', () => {
    const text =
      'tokens:\n  - &t { name: a, path: /a }\nproxies:\n  - { listen: &l "127.0.0.1:1", upstream: "http://x", token: b }\n  - { listen: *l, upstream: "http://x", token: a }'
    expect(problemsOf(text)).toEqual([
      "c.yaml:4:62: proxies[0].token: found the unknown name 'b', expected 'a', perhaps; one of 'a'",
      'c.yaml:5:15: proxies[1].listen: found the address of proxies[0].listen, expected an address of its own',
    ])
  })
})

describe('a bad configuration', () => {
  it('is told with all that is wrong, each with its line and column', () => {
    const text = `tokens:
  - name: Vault_Token
    pth: /a
  - name: app
    path: relative
    reloadInterval: 5 minutes
    watch: 'yes'
api:
  listen: 0.0.0.0:8180
  socketMode: 0660
proxies:
  - listen: 127.0.0.1:8081
    upstream: ftp://x
    token: ap
    clientHeader: drop
unknown: 1
shutdownTimeoutMs: -1
`
    expect(problemsOf(text)).toEqual(
      expect.arrayContaining([
        "c.yaml:2:11: tokens[0].name: found 'Vault_Token', expected a name of at most 63 lowercase letters, digits and hyphens, with a letter or digit at both ends",
        'c.yaml:2:5: tokens[0].path: found nothing, expected a value: it is required',
        'c.yaml:3:5: tokens[0].pth: found the unknown key pth, expected path, perhaps; the keys are name, path, audience, issuer, subject, reloadInterval, reloadIntervalMs, watch',
        "c.yaml:5:11: tokens[1].path: found 'relative', expected an absolute path of a file, without control characters and without '/' at its end",
        "c.yaml:6:21: tokens[1].reloadInterval: found '5 minutes', expected a duration from 1s to 1h such as '30s' or '5m'",
        "c.yaml:7:12: tokens[1].watch: found 'yes', expected true or false",
        "c.yaml:9:11: api.listen: found '0.0.0.0:8180', which others can reach, expected an address of loopback or a unix socket",
        "c.yaml:10:15: api.socketMode: found the number 660, expected octal permission bits in quotes, such as '0600'",
        "c.yaml:13:15: proxies[0].upstream: found 'ftp://x', expected an origin such as 'https://api.example', perhaps with a base path; no user, query or fragment",
        "c.yaml:14:12: proxies[0].token: found the unknown name 'ap', expected 'app', perhaps; one of 'Vault_Token', 'app'",
        "c.yaml:15:19: proxies[0].clientHeader: found 'drop', expected one of keep, replace",
        expect.stringContaining(
          'c.yaml:16:1: unknown: found the unknown key unknown, expected one of tokens,',
        ),
        'c.yaml:17:20: shutdownTimeoutMs: found the number -1, expected a whole number from 0 to 3600000',
      ]),
    )
    expect(problemsOf(text)).toHaveLength(13)
  })

  const one = 'tokens: [{ name: a, path: /a }]\n'
  const cases: [string, string, string][] = [
    [
      'two tokens of one name',
      'tokens:\n  - { name: a, path: /a }\n  - { name: a, path: /b }',
      "c.yaml:3:13: tokens[1].name: found 'a' again, expected a name that is not taken",
    ],
    [
      'a login with an unknown token',
      `${one}vaultTokens: [{ name: v, jwt: b, role: r }]`,
      "c.yaml:2:31: vaultTokens[0].jwt: found the unknown name 'b', expected 'a', perhaps; one of 'a'",
    ],
    [
      'a proxy without a token',
      `${one}proxies: [{ listen: '127.0.0.1:1', upstream: 'http://x' }]`,
      'c.yaml:2:11: proxies[0]: found neither, expected one of token and vaultToken',
    ],
    [
      'a sink of two tokens',
      `${one}sinks: [{ path: /x, token: a, vaultToken: v }]\nvaultTokens: [{ name: v, jwt: a, role: r }]`,
      'c.yaml:2:43: sinks[0].vaultToken: found both, expected one of token and vaultToken',
    ],
    [
      'a sink over a token',
      `${one}sinks: [{ path: /a, token: a }]`,
      'c.yaml:2:17: sinks[0].path: found the path of another token or sink, expected a path of its own',
    ],
    [
      'a sink over a token by another spelling',
      `${one}sinks: [{ path: //./a, token: a }]`,
      'c.yaml:2:17: sinks[0].path: found the path of another token or sink, expected a path of its own',
    ],
    [
      'a sink over the token that there is without any',
      `sinks: [{ path: /var/run/secrets//kubernetes.io/serviceaccount/token, token: default }]`,
      'c.yaml:1:17: sinks[0].path: found the path of another token or sink, expected a path of its own',
    ],
    [
      'two sinks of one file',
      `${one}sinks: [{ path: /x/y, token: a }, { path: /x/z/../y, token: a }]`,
      'c.yaml:2:43: sinks[1].path: found the path of another token or sink, expected a path of its own',
    ],
    [
      'a sink over a socket',
      `${one}sinks: [{ path: /run//s, token: a }]\nstatus: { listen: 'unix:///run/s' }`,
      'c.yaml:2:17: sinks[0].path: found the path of status.listen, expected a path of its own',
    ],
    [
      'a socket over a token',
      `${one}status: { listen: 'unix:///./a' }`,
      'c.yaml:2:19: status.listen: found the path of another token or sink, expected a path of its own',
    ],
    [
      'two sockets at one path',
      `${one}api: { listen: 'unix:///x' }\nstatus: { listen: 'unix:////x' }`,
      'c.yaml:3:19: status.listen: found the address of api.listen, expected an address of its own',
    ],
    [
      'a sink that is a directory',
      `${one}sinks: [{ path: /x/, token: a }]`,
      "c.yaml:2:17: sinks[0].path: found '/x/', expected an absolute path of a file, without control characters and without '/' at its end",
    ],
    ...[
      ['127.0.0.1:81', 'http://127.0.0.1:81'],
      ['127.0.0.1:81', 'http://127.1:81/base'],
      ['127.0.0.1:81', 'http://localhost:81'],
      ['localhost:81', 'https://[::1]:81'],
      ['127.0.0.1:80', 'http://LOCALHOST'],
      ['127.0.0.1:443', 'https://0.0.0.0'],
      ['[::1]:81', 'http://[0:0::1]:81'],
    ].map(([listen, upstream]): [string, string, string] => [
      `a proxy from ${listen} to itself at ${upstream}`,
      `${one}proxies: [{ upstream: '${upstream}', listen: '${listen}', token: a }]`,
      'c.yaml:2:23: proxies[0].upstream: found an address that leads back to proxies[0].listen, expected another server',
    ]),
    [
      'a proxy for others to itself',
      `${one}proxies: [{ upstream: 'http://127.0.0.1:81', listen: ':81', allowNonLoopback: true, token: a }]`,
      'c.yaml:2:23: proxies[0].upstream: found an address that leads back to proxies[0].listen, expected another server',
    ],
    [
      'two things to do',
      `${one}sinks: [{ path: /x, token: a, onChange: { command: [x], signal: HUP, pidFile: /p } }]`,
      'c.yaml:2:41: sinks[0].onChange: found a map with 3 keys, expected either command, perhaps with timeout, or signal and pidFile',
    ],
    [
      'a signal for nobody',
      `${one}sinks: [{ path: /x, token: a, onChange: { signal: HUP } }]`,
      'c.yaml:2:41: sinks[0].onChange: found a map with 1 keys, expected either command, perhaps with timeout, or signal and pidFile',
    ],
    [
      'two listeners at one address',
      `${one}status: { listen: '127.0.0.1:8180' }`,
      'c.yaml:2:19: status.listen: found the address of api.listen, expected an address of its own',
    ],
    [
      'a listener at an address of all',
      `${one}status: { listen: '127.0.0.1:8080' }`,
      'c.yaml:2:19: status.listen: found the address of health.listen, expected an address of its own',
    ],
    [
      'a proxy for others',
      `${one}proxies: [{ listen: '10.0.0.1:1', upstream: 'http://x', token: a }]`,
      "c.yaml:2:21: proxies[0].listen: found '10.0.0.1:1', which others can reach, expected an address of loopback or a unix socket; or allowNonLoopback: true",
    ],
    [
      'two durations',
      `${one}shutdownTimeout: 1s\nshutdownTimeoutMs: 1`,
      'c.yaml:3:20: shutdownTimeoutMs: found both, expected one of shutdownTimeout and shutdownTimeoutMs',
    ],
    [
      'a user in an address',
      `${one}proxies: [{ listen: '127.0.0.1:1', upstream: 'http://me:secret@x', token: a }]`,
      'c.yaml:2:46: proxies[0].upstream: found a string of 18 characters, expected',
    ],
    ...['http://x//a', 'http://x/..a/', 'http://x/%'].map((upstream): [string, string, string] => [
      `the base path of ${upstream}, below which every request would be refused`,
      `${one}proxies: [{ listen: '127.0.0.1:1', upstream: '${upstream}', token: a }]`,
      'c.yaml:2:46: proxies[0].upstream: found',
    ]),
    [
      'a header that ends messages',
      `${one}proxies: [{ listen: '127.0.0.1:1', upstream: 'http://x', token: a, header: Content-Length }]`,
      "c.yaml:2:76: proxies[0].header: found 'Content-Length', expected the name of a header that may carry a token",
    ],
    [
      'a socket path that is too long',
      `${one}status: { listen: 'unix:///${'x'.repeat(108)}' }`,
      'c.yaml:2:19: status.listen: found a string of',
    ],
    [
      'a cadence that would not rest',
      'tokens: [{ name: a, path: /a, reloadInterval: 10ms }]',
      "c.yaml:1:47: tokens[0].reloadInterval: found '10ms', expected a duration from 1s to 1h",
    ],
    [
      'logins that are all made at once',
      `${one}vaultTokens: [{ name: v, jwt: a, role: r, loginSpread: 1s }]`,
      "vaultTokens[0].loginSpread: found '1s', expected a duration from 5s to 24h",
    ],
    [
      'a merge key, which YAML 1.2 has not',
      'tokens:\n  - &a { name: a, path: /a }\n  - { <<: *a, name: b, path: /b }',
      'c.yaml:3:7: tokens[1].<<: found the unknown key <<, expected one of name,',
    ],
    [
      'an address that only looks like one of loopback',
      `${one}api: { listen: '127.0.0.999:0' }`,
      "c.yaml:2:16: api.listen: found '127.0.0.999:0', which others can reach, expected an address of loopback",
    ],
    ...['a:80', '[::1]:80', '[::g]', '-a', 'a b'].map((name): [string, string, string] => [
      `'${name}' as an allowed host`,
      `${one}status: { allowedHosts: ['${name}'] }`,
      "status.allowedHosts[0]: found '",
    ]),
    [
      'a time limit without time',
      `${one}proxies: [{ listen: '127.0.0.1:1', upstream: 'http://x', token: a, headersTimeout: 0s }]`,
      "proxies[0].headersTimeout: found '0s', expected a duration from 1ms to 1h",
    ],
    ['no tokens at all', 'tokens: []', 'c.yaml:1:9: tokens: found an empty list, expected at least one'],
    ['a list', '- a', 'c.yaml:1:1: found a list of 1, expected a map'],
    ['no value', 'tokens:\n', 'c.yaml:1:8: tokens: found no value, expected a list'],
    [
      'a key of the language',
      '__proto__: { a: 1 }',
      'c.yaml:1:1: __proto__: found the unknown key __proto__, expected one of',
    ],
  ]
  it.each(cases)('is told: %s', (_what, text, problem) => {
    const problems = problemsOf(text)
    expect(problems[0]).toContain(problem)
    expect(problems).toHaveLength(1)
  })

  it('is told: proxies that send to one another', () => {
    const proxy = (own: number, next: number) =>
      `  - { upstream: 'http://127.0.0.1:${next}', listen: '127.0.0.1:${own}', token: a }\n`
    const ring = `${one}proxies:\n${proxy(1, 2)}${proxy(2, 3)}${proxy(3, 1)}${proxy(4, 1)}`
    expect(problemsOf(ring)).toEqual(
      [1, 2, 3].map(
        (index) =>
          `c.yaml:${index + 2}:17: proxies[${index - 1}].upstream: found an address that leads back to proxies[${index - 1}].listen, expected another server`,
      ),
    )
    expect(problemsOf(`${one}proxies:\n${proxy(1, 2)}${proxy(2, 5)}`)).toEqual([])
  })

  it.each([
    ['a tab', 'tokens:\n\t- x', 'c.yaml:2:1: found a syntax error'],
    ['an open quote', 'logLevel: "info', 'c.yaml:1:16: found a syntax error'],
    [
      'a key twice',
      'logLevel: info\nlogLevel: debug',
      'c.yaml:2:1: found a syntax error (Map keys must be unique)',
    ],
    ['a second document', 'logLevel: info\n---\nlogLevel: debug', 'c.yaml:2:1: found a syntax error'],
    [
      'a tag of a language',
      'logLevel: !!js/function x',
      'c.yaml:1:11: found a syntax error (TAG_RESOLVE_FAILED)',
    ],
    ['an alias of nothing', 'logLevel: *x', 'found too many, or unknown, aliases'],
  ])('is told where its syntax is: %s', (_what, text, problem) => {
    expect(problemsOf(text)[0]).toContain(problem)
  })

  it.each([
    [
      'anchors that multiply',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
        .split('')
        .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`)}]`)
        .join('\n')}`,
    ],
    ['brackets', '['.repeat(100_000)],
    ['lists in lists', '- '.repeat(100_000)],
    ['keys of keys', `${'? '.repeat(100_000)}x`],
    ['ever deeper lines', Array.from({ length: 900 }, (_, index) => `${' '.repeat(index)}a:`).join('\n')],
    ['pairs in pairs', `[${'a: '.repeat(3_000)}]`],
    ['a megabyte and more', `logLevel: ${'x'.repeat(1_048_576)}`],
    ['quotes', '"'.repeat(20_000)],
  ])('is refused, whatever it would do to a parser: %s', (_what, text) => {
    const problems = problemsOf(text)
    expect(problems.length).toBeGreaterThan(0)
    expect(problems.length).toBeLessThanOrEqual(50)
    expect(problems.join('\n').length).toBeLessThan(20_000)
  })

  it('never shows what might be a secret', () => {
    const secrets = [
      'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl',
      'hvs.CAESIJ1rB5nq3kSz',
      's3cr3tPassw0rdOf24Letters',
      'https://user:hunter2@vault:8200',
      'p@ss w0rd!',
    ]
    for (const secret of secrets) {
      const value = JSON.stringify(secret)
      for (const text of [
        `tokens: [{ name: ${value}, path: ${value}, reloadInterval: ${value}, watch: ${value} }]`,
        `api: ${value}\nlogLevel: ${value}\nhealth: { listen: ${value} }`,
        `${value}: 1`,
        `sinks: [{ path: ${value}, token: ${value}, onChange: ${value} }]`,
        `proxies: [{ listen: ${value}, upstream: ${value}, token: ${value}, header: ${value} }]`,
        `logLevel: *${secret}`,
        `logLevel: !${secret} x`,
        `logLevel: @${secret}`,
        `${secret}\nlogLevel: info`,
      ]) {
        const told = problemsOf(text).join('\n')
        expect(told).not.toBe('')
        expect(told).not.toContain(secret)
      }
    }
  })

  it('is a list of problems for any text, and never another error', () => {
    const words = fc.constantFrom(
      'tokens',
      'api',
      'proxies',
      'listen',
      'name',
      ': ',
      '- ',
      '\n',
      '  ',
      '{',
      '}',
      '[',
      ']',
      ', ',
      '&a ',
      '*a',
      '"',
      "'",
      '#',
      '!!x ',
      '|',
      '>',
      '%',
      '---',
      '\0',
      '\u2028',
      'off',
      '1',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(words, { maxLength: 40 }).map((parts) => parts.join('')),
        ),
        (text) => {
          for (const problem of problemsOf(text))
            expect(problem).toMatch(/^c\.yaml(?::\d+:\d+)?: .*found .*, expected .+/)
        },
      ),
      { numRuns: 150 },
    )
  })
})
