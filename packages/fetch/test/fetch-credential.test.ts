import { inspect } from 'node:util'
import { createAuthFetch } from '@projected-token/fetch'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createManualProvider, createScriptedProvider, token } from './support/provider.js'
import { redirecting, startServer } from './support/server.js'
import { fetches, majors } from './support/undici-majors.js'

describe.each(fetches)('createAuthFetch over $name', ({ skip, load }) => {
  it.skipIf(skip)('sends the token to a listed origin, keeping method, headers and body', async () => {
    const { origin, seen } = await startServer()
    const authFetch = createAuthFetch(createScriptedProvider('t1'), { origins: origin, fetch: await load() })
    const init = Object.freeze({ method: 'POST', body: 'hello', headers: Object.freeze({ 'x-own': '1' }) })
    const response = await authFetch(`${origin}/a?b=c`, init)
    expect(await response.text()).toBe('ok')
    expect(seen).toMatchObject([{ method: 'POST', path: '/a?b=c', body: 'hello' }])
    expect(seen[0]?.headers).toMatchObject({
      authorization: 'Bearer t1',
      'x-own': '1',
      'content-type': 'text/plain;charset=UTF-8',
    })
  })

  it.skipIf(skip)('passes a request to another origin untouched and without the token', async () => {
    const listed = await startServer()
    const other = await startServer()
    const provider = createScriptedProvider('t1')
    const authFetch = createAuthFetch(provider, { origins: listed.origin, fetch: await load() })
    await authFetch(other.origin)
    expect(other.seen[0]?.headers).not.toHaveProperty('authorization')
    expect(provider.lookups).toEqual([])
  })

  it.skipIf(skip)('sends a bare token in a custom header', async () => {
    const { origin, seen } = await startServer()
    const fetch = await load()
    const options = { origins: new URL(origin), header: 'X-Vault-Token', scheme: '', fetch }
    await createAuthFetch(createScriptedProvider('hvs.1'), options)(new URL(origin))
    expect(seen[0]?.headers).toMatchObject({ 'x-vault-token': 'hvs.1' })
    expect(seen[0]?.headers).not.toHaveProperty('authorization')
  })

  it.skipIf(skip)(
    'leaves a request alone that has the header in any form, also when it is refused',
    async () => {
      const { origin, seen } = await startServer((_seen, _request, response) =>
        response.writeHead(401).end('no'),
      )
      const provider = createScriptedProvider('t1', 't2')
      const authFetch = createAuthFetch(provider, { origins: origin, fetch: await load() })
      function* generated() {
        yield ['AUTHORIZATION', 'Basic own'] as [string, string]
      }
      const forms: unknown[] = [
        { Authorization: 'Basic own' },
        [['authorization', 'Basic own']],
        new Headers({ authorization: 'Basic own' }),
        new Map([['authorization', 'Basic own']]),
        generated(),
      ]
      for (const headers of forms) {
        const response = await authFetch(origin, { headers: headers as Record<string, string> })
        expect(await response.text()).toBe('no')
      }
      expect(seen.map(({ headers }) => headers.authorization)).toEqual(forms.map(() => 'Basic own'))
      expect(provider.invalidated).toEqual([])
    },
  )

  it.skipIf(skip)(
    'rejects with the error of the provider and sends nothing when there is no token',
    async () => {
      const { origin, seen } = await startServer()
      const failure = Object.assign(new Error('the token on disk has expired'), { code: 'ERR_TOKEN_EXPIRED' })
      const provider = createManualProvider()
      const authFetch = createAuthFetch(provider, { origins: origin, fetch: await load() })
      const response = authFetch(origin)
      ;(await provider.lookedUp()).reject(failure)
      await expect(response).rejects.toBe(failure)
      expect(seen).toEqual([])
    },
  )

  it.skipIf(skip)('waits for the first token', async () => {
    const { origin, seen } = await startServer()
    const provider = createManualProvider()
    const url = new URL(origin)
    const headers = { 'x-own': 'before' }
    const response = createAuthFetch(provider, { origins: origin, fetch: await load() })(url, { headers })
    const lookup = await provider.lookedUp()
    url.port = '1'
    headers['x-own'] = 'after'
    lookup.resolve(token('t1'))
    await response
    expect(seen[0]?.headers).toMatchObject({ authorization: 'Bearer t1', 'x-own': 'before' })
  })

  it.skipIf(skip)('passes errors of the connection on, without the token', async () => {
    const { origin } = await startServer((_seen, request) => request.socket.destroy())
    const authFetch = createAuthFetch(createScriptedProvider('s3cret'), {
      origins: origin,
      fetch: await load(),
    })
    const failure = await authFetch(origin).catch((error) => error)
    expect(failure).toBeInstanceOf(TypeError)
    expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain('s3cret')
  })

  it.skipIf(skip)('never shows an unusable token that a provider gives', async () => {
    const { origin, seen } = await startServer()
    const broken = { token: 'se\r\ncret', expiresAtMs: undefined, loadedAtMs: 0 }
    const provider = { current: broken, getToken: async () => broken, invalidate() {} }
    const failure = await createAuthFetch(provider, { origins: origin, fetch: await load() })(origin).catch(
      (e) => e,
    )
    expect(failure.code).toBe('ERR_FETCH_INVALID_TOKEN')
    expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain('cret')
    expect(seen).toEqual([])
  })
})

describe('createAuthFetch and Request objects', () => {
  it('adds the token to the headers of a Request and does not change it', async () => {
    const { origin, seen } = await startServer()
    const request = new Request(origin, { headers: { 'x-own': '1' }, method: 'DELETE' })
    await createAuthFetch(createScriptedProvider('t1'), { origins: origin })(request)
    expect(seen[0]).toMatchObject({ method: 'DELETE' })
    expect(seen[0]?.headers).toMatchObject({ authorization: 'Bearer t1', 'x-own': '1' })
    expect(request.headers.has('authorization')).toBe(false)
  })

  it("takes the header of a Request as the caller's own, unless init replaces the headers", async () => {
    const { origin, seen } = await startServer()
    const authFetch = createAuthFetch(createScriptedProvider('t1'), { origins: origin })
    const request = new Request(origin, { headers: { authorization: 'Basic own', 'x-own': '1' } })
    await authFetch(request)
    await authFetch(request, { headers: { 'x-other': '2' } })
    expect(seen[0]?.headers.authorization).toBe('Basic own')
    expect(seen[1]?.headers).toMatchObject({ authorization: 'Bearer t1', 'x-other': '2' })
    expect(seen[1]?.headers).not.toHaveProperty('x-own')
  })

  it("takes an empty header for the caller's own", async () => {
    const { origin, seen } = await startServer()
    const authFetch = createAuthFetch(createScriptedProvider('t1'), { origins: origin })
    await authFetch(origin, { headers: { authorization: '' } })
    expect(seen[0]?.headers.authorization).toBe('')
  })

  it('reads a Request that is passed as init', async () => {
    const { origin, seen } = await startServer()
    const authFetch = createAuthFetch(createScriptedProvider('t1'), { origins: origin })
    await authFetch(
      origin,
      new Request('http://elsewhere.example', { method: 'PUT', body: 'b', headers: { a: '1' } }),
    )
    expect(seen).toMatchObject([
      { method: 'PUT', body: 'b', headers: { authorization: 'Bearer t1', a: '1' } },
    ])
  })

  it('streams the body of a Request', async () => {
    const { origin, seen } = await startServer()
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const request = new Request(origin, { method: 'POST', body: readable, duplex: 'half' } as RequestInit)
    const response = createAuthFetch(createScriptedProvider('t1'), { origins: origin })(request)
    const writer = writable.getWriter()
    await writer.write(Buffer.from('one '))
    await writer.write(Buffer.from('two'))
    await writer.close()
    expect(await (await response).text()).toBe('ok')
    expect(seen).toMatchObject([{ body: 'one two', headers: { authorization: 'Bearer t1' } }])
  })

  it('works with the Request of the undici whose fetch it wraps', async () => {
    const { origin, seen } = await startServer()
    const undici = await import('undici')
    const authFetch = createAuthFetch(createScriptedProvider('t1'), { origins: origin, fetch: undici.fetch })
    await authFetch(new undici.Request(origin, { method: 'POST', body: 'b' }))
    expect(seen).toMatchObject([{ method: 'POST', body: 'b', headers: { authorization: 'Bearer t1' } }])
  })

  it.each(majors.filter(({ skip }) => skip === undefined))(
    'keeps the referrer of a Request in $name, also across a redirect, unless there is an init, as in fetch',
    async ({ load }) => {
      const { fetch, Request } = await load()
      const { origin, seen } = await startServer(redirecting({ '/': [307, '/x'] }))
      const authFetch = createAuthFetch(createScriptedProvider('t1'), { origins: origin, fetch })
      const referrer = 'http://ref.example/page'
      const request = () => new Request(origin, { referrer, referrerPolicy: 'unsafe-url' })
      await authFetch(request())
      await authFetch(request(), { method: 'GET' })
      expect(seen.map(({ headers }) => headers.referer)).toEqual([referrer, referrer, undefined, undefined])
    },
  )

  it('judges an object that is no Request by the URL that fetch will use', async () => {
    const listed = await startServer()
    const other = await startServer()
    const authFetch = createAuthFetch(createScriptedProvider('t1'), { origins: listed.origin })
    const disguised = { url: listed.origin, headers: new Headers(), toString: () => other.origin }
    await authFetch(disguised as unknown as URL)
    expect(other.seen[0]?.headers).not.toHaveProperty('authorization')
  })

  it('may replace the global fetch', async () => {
    const { origin, seen } = await startServer()
    const original = globalThis.fetch
    try {
      globalThis.fetch = createAuthFetch(createScriptedProvider('t1'), { origins: origin })
      await fetch(origin)
    } finally {
      globalThis.fetch = original
    }
    expect(seen[0]?.headers.authorization).toBe('Bearer t1')
  })
})

describe('the header of createAuthFetch', () => {
  /** A fetch that sends nothing and gives what it was called with. */
  const recording = () => {
    const sent: Headers[] = []
    const fetch = async (_input: unknown, init?: { headers?: ConstructorParameters<typeof Headers>[0] }) => {
      sent.push(new Headers(init?.headers))
      return new Response('ok')
    }
    return { sent, fetch }
  }

  it('changes when the token does, and only then', async () => {
    const values: unknown[] = []
    const fetch = async (_input: unknown, init?: { headers: ConstructorParameters<typeof Headers>[0] }) => {
      values.push(new Headers(init?.headers).get('authorization'))
      return new Response()
    }
    const provider = createScriptedProvider('t1')
    const authFetch = createAuthFetch(provider, { origins: 'https://api.example', fetch })
    await authFetch('https://api.example/' as never)
    await authFetch('https://api.example/' as never)
    provider.rotate('t2')
    await authFetch('https://api.example/' as never)
    expect(values).toEqual(['Bearer t1', 'Bearer t1', 'Bearer t2'])
  })

  it('is sent exactly once, and the caller wins, whatever the headers are', async () => {
    const name = fc.constantFrom('authorization', 'Authorization', 'AUTHORIZATION', 'x-a', 'X-B', 'accept')
    const fields = fc.array(fc.tuple(name, fc.stringMatching(/^[a-z0-9]{1,8}$/)), { maxLength: 6 })
    const forms = fc.constantFrom(
      (list: [string, string][]) => list,
      (list: [string, string][]) => Object.fromEntries(list),
      (list: [string, string][]) => new Headers(list),
    )
    await fc.assert(
      fc.asyncProperty(fields, forms, async (list, form) => {
        const { sent, fetch } = recording()
        const authFetch = createAuthFetch(createScriptedProvider('t1'), {
          origins: 'https://api.example',
          fetch,
        })
        const headers = form(list)
        const expected = new Headers(headers)
        if (!expected.has('authorization')) expected.set('authorization', 'Bearer t1')
        await authFetch('https://api.example/' as never, { headers } as never)
        expect([...(sent[0] as Headers)]).toEqual([...expected])
      }),
    )
  })
})
