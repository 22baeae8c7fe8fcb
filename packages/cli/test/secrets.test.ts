import { startFakeKubelet } from '@projected-token/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type RunOptions, startCli } from './support/run-cli.js'
import { writeFileFor } from './support/token-files.js'

/** Every output of a command, until it ends by itself or says something that ends the wait for more. */
async function outputOf(argv: string[], options: RunOptions, until?: string): Promise<string> {
  const cli = startCli(argv, options)
  if (until) {
    await cli.toPrint(until)
    cli.interrupt('SIGINT')
  }
  await cli.exitCode
  return cli.stdout() + cli.stderr()
}

/** Pieces of a JWT that only who has the token knows: all of it, its signature, the encoded claims. */
function secretsOf(token: string): string[] {
  const [, claims = '', signature = ''] = token.split('.')
  return [token, claims, signature, signature.slice(0, 16), signature.slice(-16)].filter(
    (text) => text !== '',
  )
}

const ways: [string, RunOptions & { json?: boolean }][] = [
  ['in lines', {}],
  ['on a terminal', { tty: true }],
  ['as JSON', { json: true }],
]

describe('a token', () => {
  it.each(ways)(
    'appears in no output of a command about a good token: %s',
    async (_way, { json, ...options }) => {
      const kubelet = await startFakeKubelet({ autoRotate: false, algorithm: 'ES256' })
      onTestFinished(() => kubelet.close())
      const secrets = secretsOf(kubelet.current.token)
      const flags = json ? ['--json'] : []
      const jwks = kubelet.jwksUrl as string
      const watching = startCli(['watch', kubelet.path, '--until-rotations', '2', ...flags], options)
      await watching.toPrint(json ? '"state":"watching"' : 'state=watching')
      for (const done of ['rotated', 'ended']) {
        secrets.push(...secretsOf((await kubelet.rotate()).token))
        await watching.toPrint(done)
      }
      await watching.exitCode
      const outputs = [
        watching.stdout() + watching.stderr(),
        await outputOf(['inspect', kubelet.path, '--jwks', jwks, ...flags], options),
        await outputOf(['inspect', kubelet.path, '--jwks', kubelet.path, '-a', 'other', ...flags], options),
        await outputOf(['inspect', kubelet.directory, ...flags], options),
      ]
      for (const output of outputs) for (const text of secrets) expect(output.includes(text)).toBe(false)
    },
  )

  it.each(ways)(
    'appears in no output of a command about a bad file: %s',
    async (_way, { json, ...options }) => {
      const contents = [
        'CANARY',
        'CANARY CANARY',
        'CANARY\u0000\u001b[2J',
        'eyJCANARY',
        'eyJhbGciOiJFUzI1NiJ9.CANARY.CANARY',
        `eyJhbGciOiJFUzI1NiJ9.${Buffer.from('{"exp":"CANARY"}').toString('base64url')}.CANARY`,
        `{"token":"CANARY"}`,
      ]
      for (const content of contents) {
        const path = await writeFileFor(content)
        const flags = json ? ['--json'] : []
        const outputs = [
          await outputOf(['inspect', path, ...flags], options),
          await outputOf(['inspect', path, '--jwks', path, ...flags], options),
          await outputOf(['watch', path, '--timeout', '100ms', ...flags], options),
        ]
        for (const output of outputs) expect(output).not.toContain('CANARY')
      }
    },
  )

  it.each(ways)('appears in no output of the demo: %s', async (_way, { json, ...options }) => {
    const argv = ['demo', '--duration', '1200ms', '--rotate-every', '500ms', ...(json ? ['--json'] : [])]
    expect(await outputOf(argv, options)).not.toMatch(/eyJ|Bearer|\[a JWT, not shown\]/)
  })
})
