import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createFakeClock } from '@projected-token/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runCli, runJson, startCli } from './support/run-cli.js'
import { boundClaims, createIssuer, writeFileFor } from './support/token-files.js'

const issuer = await createIssuer()
const stranger = await createIssuer()
const write = async (by = issuer) => writeFileFor(await by.sign(boundClaims(Date.now())))
const writeKeys = (document: unknown) => writeFileFor(JSON.stringify(document), 'jwks.json')

/** An HTTP server on a free port. @returns the URL of its root */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The URL of a port on which nobody listens any more. */
async function closedPort(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}

/** A server that never answers; `asked` fulfils with the first request. */
async function serveSilence() {
  let onRequest = () => {}
  const asked = new Promise<void>((resolve) => {
    onRequest = resolve
  })
  return { url: await serve(() => onRequest()), asked }
}

const serveText = (text: string, status = 200, headers = {}) =>
  serve((_request, response) => response.writeHead(status, headers).end(text))

/** The reason that `inspect --jwks` gives for an answer that it does not have. */
async function reasonFor(jwks: string, token?: string): Promise<string> {
  const { exitCode, json } = await runJson(['inspect', token ?? (await write()), '--jwks', jwks])
  expect(json.signature).toMatchObject({ state: 'unknown', source: jwks, keyId: null })
  expect(json.findings[0]).toEqual({
    severity: 'error',
    code: 'ERR_SIGNATURE_UNKNOWN',
    message: `The signature could not be checked: ${json.signature.reason}.`,
  })
  expect(json.token.subject).toBe('system:serviceaccount:payments:billing')
  expect(exitCode).toBe(1)
  return json.signature.reason
}

describe('inspect --jwks', () => {
  it('verifies the signature by a file', async () => {
    const keys = await writeKeys({
      keys: [stranger.jwk, issuer.jwk].map((key, i) => ({ ...key, kid: `key-${i}` })),
    })
    const other = await writeKeys({ keys: [issuer.jwk] })
    const path = await write()
    const { exitCode, stdout } = await runCli(['inspect', path, '--jwks', other])
    expect(stdout).toContain(`  signature        valid (key id key-1 of ${other})\n`)
    expect(exitCode).toBe(0)
    // The same key under the id that the token names, after a wrong one.
    expect((await runJson(['inspect', path, '--jwks', keys])).json.signature.state).toBe('valid')
  })

  it('verifies the signature by a URL', async () => {
    const url = `${await serveText(JSON.stringify({ keys: [issuer.jwk] }))}/openid/v1/jwks`
    const { exitCode, json } = await runJson(['inspect', await write(), '--jwks', url])
    expect(json.signature).toEqual({ state: 'valid', keyId: 'key-1', source: url, reason: null })
    expect(exitCode).toBe(0)
  })

  it('tries all keys that fit a token without a key id', async () => {
    const nameless = await createIssuer(null)
    const keys = await writeKeys({ keys: [issuer.jwk, { ...nameless.jwk, kid: 'the-one' }] })
    const { json } = await runJson(['inspect', await write(nameless), '--jwks', keys])
    expect(json.signature).toMatchObject({ state: 'valid', keyId: 'the-one' })
  })

  it('tries a key without an id for a token that names one', async () => {
    const unnamed = [stranger.jwk, issuer.jwk].map((key) => ({ ...key, kid: undefined }))
    const keys = await writeKeys({ keys: unnamed })
    expect((await runJson(['inspect', await write(), '--jwks', keys])).json.signature.state).toBe('valid')
    const others = await writeKeys({ keys: [{ ...stranger.jwk, kid: undefined }] })
    expect((await runJson(['inspect', await write(), '--jwks', others])).json.signature.state).toBe('invalid')
  })

  it('fails for a token that another key signed under the same id', async () => {
    const keys = await writeKeys({ keys: [issuer.jwk] })
    const { exitCode, json } = await runJson(['inspect', await write(stranger), '--jwks', keys])
    expect(json.signature.state).toBe('invalid')
    expect(json.findings).toEqual([
      {
        severity: 'error',
        code: 'ERR_SIGNATURE_INVALID',
        message:
          'The signature is not good: the token was changed, or another key with the same id signed it.',
      },
    ])
    expect(exitCode).toBe(1)
  })

  it('fails for a token whose claims were changed', async () => {
    const [header, , signature] = (await issuer.sign(boundClaims(Date.now()))).split('.')
    const claims = { ...boundClaims(Date.now()), aud: ['everything'] }
    const changed = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`
    const keys = await writeKeys({ keys: [issuer.jwk] })
    const { exitCode, json } = await runJson(['inspect', await writeFileFor(changed), '--jwks', keys])
    expect(json.signature.state).toBe('invalid')
    expect(exitCode).toBe(1)
  })

  it('fails for a token without a signature', async () => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const path = await writeFileFor(`${part({ alg: 'none' })}.${part(boundClaims(Date.now()))}.AAAA`)
    expect(await reasonFor(await writeKeys({ keys: [issuer.jwk] }), path)).toBe(
      'none or the key cannot be used here',
    )
  })

  it('names the keys that there are when none has the id of the token', async () => {
    const keys = await writeKeys({ keys: [{ ...issuer.jwk, kid: 'older' }] })
    const { exitCode, json } = await runJson(['inspect', await write(), '--jwks', keys])
    expect(json.signature.reason).toBe(
      'the key set has no key for its key id key-1 (ES256), but older (ES256)',
    )
    expect(exitCode).toBe(1)
  })

  it('judges expiry and audience besides', async () => {
    const path = await writeFileFor(await issuer.sign(boundClaims(Date.now(), 7_200)))
    const keys = await writeKeys({ keys: [issuer.jwk] })
    const { exitCode, json } = await runJson(['inspect', path, '--jwks', keys, '-a', 'other'])
    expect(json.signature.state).toBe('valid')
    expect(json.findings.map(({ code }: { code: string }) => code)).toEqual([
      'ERR_TOKEN_EXPIRED',
      'ERR_TOKEN_AUDIENCE',
    ])
    expect(exitCode).toBe(1)
  })

  it.each([
    [
      'a discovery document',
      { issuer: 'https://x', jwks_uri: 'https://x/openid/v1/jwks' },
      'it is a discovery document, not a JSON Web Key Set; it says that the keys are at https://x/openid/v1/jwks',
    ],
    ['a single key', issuer.jwk, 'it is a single key, not a JSON Web Key Set ({"keys":[…]})'],
    ['no keys', { keys: [] }, 'the key set is empty'],
    ['private keys', { keys: [issuer.privateJwk] }, 'it holds private keys, which belong nowhere else'],
    ['something else', { keys: 'many' }, 'it is not a JSON Web Key Set ({"keys":[…]})'],
    ['nothing', null, 'it is not a JSON Web Key Set ({"keys":[…]})'],
    [
      'keys that are none',
      { keys: [{ kty: 'EC', crv: 'P-256', kid: 'key-1', x: 'AA', y: 'AA' }] },
      'ES256 or the key cannot be used here',
    ],
  ])('says that it found %s', async (_what, document, reason) => {
    expect(await reasonFor(await writeKeys(document))).toBe(reason)
  })

  it('does not quote what is not JSON', async () => {
    expect(await reasonFor(await write())).toBe('what was found there is not JSON')
  })

  it('says that the file is missing', async () => {
    expect(await reasonFor('/nonexistent/jwks.json')).toBe('the key set file does not exist')
  })

  it.each([
    [
      403,
      {},
      /^the server answered 403\. An API server shows its keys to authenticated users only: 'kubectl get/,
    ],
    [500, {}, /^the server answered 500$/],
    [
      302,
      { location: 'https://elsewhere.example/keys' },
      /^it redirects to https:\/\/elsewhere\.example\/keys: give/,
    ],
    [302, {}, /^the server answered 302$/],
    [304, {}, /^the server answered 304$/],
    [307, { location: '/other' }, /^it redirects to http:\/\/127\.0\.0\.1:\d+\/other: give/],
    [
      302,
      { location: 'https://user:CANARY-1@elsewhere.example/keys?token=CANARY-2' },
      /^it redirects to https:\/\/elsewhere\.example\/keys\?…: give/,
    ],
  ])('says that the server answered %i', async (status, headers, reason) => {
    expect(await reasonFor(await serveText('no', status, headers))).toMatch(reason)
  })

  it('says that nobody answers', async () => {
    expect(await reasonFor(await closedPort())).toBe('the request failed (ECONNREFUSED)')
  })

  it('says why a request failed that was not even sent', async () => {
    expect(await reasonFor('http://127.0.0.1:9/')).toBe('the request failed (bad port)')
  })

  it('reads keys behind a byte order mark', async () => {
    const text = `\ufeff${JSON.stringify({ keys: [issuer.jwk] })}`
    const [path, file] = [await write(), await writeFileFor(text, 'jwks.json')]
    for (const jwks of [file, await serveText(text)]) {
      const { json } = await runJson(['inspect', path, '--jwks', jwks])
      expect(json.signature.state).toBe('valid')
    }
  })

  it('says that the file is empty', async () => {
    expect(await reasonFor(await writeFileFor('\n', 'jwks.json'))).toBe('nothing was found there')
  })

  it.each([{ key_ops: ['encrypt'] }, { use: 'enc' }])(
    'says that the key of its id is published for something else: %j',
    async (purpose) => {
      const keys = await writeKeys({ keys: [{ ...issuer.jwk, use: undefined, ...purpose }] })
      expect(await reasonFor(keys)).toBe(
        'the key with its key id is not published to verify signatures (use, key_ops)',
      )
    },
  )

  it.each([5, {}, true])('takes key_ops of %j for none', async (operations) => {
    const keys = await writeKeys({ keys: [{ ...issuer.jwk, kty: 'EC', key_ops: operations }] })
    const { exitCode, json } = await runJson(['inspect', await write(), '--jwks', keys])
    expect([exitCode, json.signature.state]).toEqual([1, 'invalid'])
  })

  it.each([
    ['ftp://keys.example/', 'only http and https URLs are read'],
    ['https://user:password@keys.example/', 'a URL with a password in it is not used'],
  ])('does not read %s', async (url, reason) => {
    const { json } = await runJson(['inspect', await write(), '--jwks', url])
    expect(json.signature.reason).toBe(reason)
  })

  it('stops reading an answer without end', async () => {
    const url = await serve((_request, response) => {
      const more = () => {
        while (response.write('x'.repeat(65_536)));
      }
      response.on('drain', more)
      more()
    })
    expect(await reasonFor(url)).toBe('the answer is larger than 1048576 bytes')
  })

  it('stops waiting after 10 s', async () => {
    const clock = createFakeClock({ nowMs: Date.now() })
    const { url, asked } = await serveSilence()
    const cli = startCli(['inspect', await write(), '--jwks', url], { clock })
    await asked
    await clock.advance(10_000)
    expect(await cli.exitCode).toBe(1)
    expect(cli.stdout()).toContain('signature        unknown: no answer within 10 s')
  })

  it('ends at once on Ctrl-C', async () => {
    const { url, asked } = await serveSilence()
    const cli = startCli(['inspect', await write(), '--jwks', url])
    await asked
    cli.interrupt('SIGINT')
    expect(await cli.exitCode).toBe(130)
    expect(cli.stdout()).toBe('')
  })
})
