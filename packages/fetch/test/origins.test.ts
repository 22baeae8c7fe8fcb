import { createAuthFetch } from '@projected-token/fetch'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createScriptedProvider } from './support/provider.js'

/** Whether a request to the URL would carry the token; fetch itself is asked nothing. */
async function carriesToken(origins: string | URL | (string | URL)[], url: string): Promise<boolean> {
  let sent = false
  const fetch = async (_input: unknown, init?: { headers?: ConstructorParameters<typeof Headers>[0] }) => {
    sent = new Headers(init?.headers).has('authorization')
    return new Response()
  }
  await createAuthFetch(createScriptedProvider('t1'), { origins, fetch })(url as never)
  return sent
}

describe('a listed origin', () => {
  it.each([
    ['https://api.example', 'https://api.example/v1'],
    ['https://api.example', 'https://API.Example:443/v1'],
    ['https://api.example:443', 'https://api.example'],
    ['HTTPS://API.EXAMPLE/', 'https://api.example'],
    ['http://127.0.0.1:8200', 'http://127.0.0.1:8200/v1/auth'],
    ['http://[::1]:80', 'http://[0:0:0:0:0:0:0:1]/'],
    ['https://bücher.example', 'https://xn--bcher-kva.example/'],
    ['https://api.example', 'https:\\\\api.example\\v1'],
    ['https://api.example', '\thttps://api.example/\n'],
  ])('%s receives the token in a request to %s', async (origin, url) => {
    expect(await carriesToken(origin, url)).toBe(true)
  })

  it.each([
    ['another host', 'https://evil.example/'],
    ['another scheme', 'http://api.example/'],
    ['another port', 'https://api.example:8443/'],
    ['a subdomain', 'https://sub.api.example/'],
    ['a parent domain', 'https://example/'],
    ['a longer host', 'https://api.example.evil.example/'],
    ['a trailing dot', 'https://api.example./'],
    ['the origin as user name', 'https://api.example@evil.example/'],
    ['the origin as user name and password', 'https://api.example:443@evil.example/'],
    ['the origin in the path', 'https://evil.example/https://api.example'],
    ['the origin in the fragment', 'https://evil.example#https://api.example/'],
    ['a backslash before an at sign', 'https://evil.example\\@api.example/'],
    ['a look-alike letter', 'https://аpi.example/'],
    ['a blob URL', 'blob:https://api.example/0b1c'],
    ['a data URL', 'data:text/plain,https://api.example'],
    ['a relative URL', '/v1'],
    ['no URL', 'api.example'],
  ])('does not include %s', async (_what, url) => {
    expect(await carriesToken('https://api.example', url)).toBe(false)
  })

  it('is one of several, as strings and URLs', async () => {
    const origins = [new URL('https://a.example'), 'http://b.example:8080']
    expect(await carriesToken(origins, 'https://a.example/x')).toBe(true)
    expect(await carriesToken(origins, 'http://b.example:8080/x')).toBe(true)
    expect(await carriesToken(origins, 'https://b.example:8080/x')).toBe(false)
  })

  it('gets the token exactly when the URL parser sees its origin', async () => {
    const host = fc.constantFrom(
      'api.example',
      'API.example',
      'evil.example',
      'api.example.',
      'api.example@evil.example',
    )
    const url = fc
      .tuple(
        fc.constantFrom('https://', 'http://', 'https:\\\\', 'https:/', 'ftp://'),
        fc.constantFrom('', 'user@', 'user:api.example@', '\\@', '#@'),
        host,
        fc.constantFrom('', ':443', ':80', ':8443', ':0443'),
        fc.webPath(),
      )
      .map((parts) => parts.join(''))
    await fc.assert(
      fc.asyncProperty(url, async (target) => {
        const expected = URL.canParse(target) && new URL(target).origin === 'https://api.example'
        expect(await carriesToken('https://api.example', target)).toBe(expected)
      }),
      { numRuns: 300 },
    )
  })
})

describe("the 'origins' option", () => {
  const bad = (origins: unknown) => () =>
    createAuthFetch(createScriptedProvider('t1'), { origins: origins as string })

  it.each([
    ['nothing', undefined, /'origins' is required/],
    ['an empty list', [], /'origins' is required/],
    ['a number', 1, /'origins' must be a string or a URL, got a value of type number/],
    ['null in a list', ['https://a.example', null], /'origins\[1\]' must be a string or a URL, got null/],
    ['an empty string', '', /valid URL/],
    ['a host', 'api.example', /valid URL/],
    ['a host with a port', 'api.example:8443', /another scheme/],
    ['a WebSocket origin', 'wss://api.example', /http or https/],
    ['a path', 'https://api.example/v1', /without path, query or fragment/],
    ['a query', 'https://api.example/?a', /without path, query or fragment/],
    ['an empty query', 'https://api.example/?', /without path, query or fragment/],
    ['a fragment', 'https://api.example/#a', /without path, query or fragment/],
    ['a wildcard', 'https://*.api.example', /wildcard, which is not supported/],
    ['a bare wildcard', '*', /wildcard, which is not supported/],
  ])('refuses %s', (_what, origins, message) => {
    expect(bad(origins)).toThrow(TypeError)
    expect(bad(origins)).toThrow(message)
  })

  it('refuses credentials without showing them', () => {
    expect(bad('https://user:s3cret@api.example')).toThrow(/must not hold a user name or password/)
    expect(bad('https://user:s3cret@api.example')).not.toThrow(/s3cret/)
  })
})
