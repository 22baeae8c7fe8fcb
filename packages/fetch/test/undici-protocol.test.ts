import { createSecureServer } from 'node:http2'
import { type AddressInfo, connect, createServer } from 'node:net'
import { inspect } from 'node:util'
import { createTokenInterceptor } from '@projected-token/fetch/undici'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createCertificate } from '../../../test/support/certificates.js'
import { createScriptedProvider } from './support/provider.js'
import { accepting, startServer } from './support/server.js'
import { closing, majors } from './support/undici-majors.js'

const interceptorFor = (origins: string, ...tokens: string[]) =>
  createTokenInterceptor(createScriptedProvider(...tokens), { origins })

describe.each(majors)('the interceptor under $name', ({ skip, load }) => {
  it.skipIf(skip)('passes informational responses, trailers and cookies on, also after a retry', async () => {
    const { origin } = await startServer((seen, request, response) => {
      if (seen.headers.authorization !== 'Bearer t2') return accepting()(seen, request, response)
      response.writeEarlyHints({ link: '</style.css>; rel=preload' }, () => {
        response.setHeader('set-cookie', ['a=1', 'b=2'])
        response.setHeader('trailer', 'x-checksum')
        response.write('body')
        response.addTrailers({ 'x-checksum': 'abc' })
        response.end()
      })
    })
    const { Agent, request } = await load()
    const dispatcher = closing(new Agent().compose(interceptorFor(origin, 't1', 't2')))
    const infos: unknown[] = []
    const onInfo = (info: unknown) => infos.push(info)
    const response = await request(origin, { dispatcher, onInfo })
    expect(await response.body.text()).toBe('body')
    expect(response.headers['set-cookie']).toEqual(['a=1', 'b=2'])
    expect(response.trailers).toEqual({ 'x-checksum': 'abc' })
    expect(infos).toMatchObject([{ statusCode: 103, headers: { link: '</style.css>; rel=preload' } }])
  })

  it.skipIf(skip)('gives raw headers to those who ask for them', async () => {
    const { origin } = await startServer((_seen, _request, response) =>
      response.writeHead(200, { 'X-Case': 'ü', date: 'now' }).end('ok'),
    )
    const { Agent, request } = await load()
    const dispatcher = closing(new Agent().compose(interceptorFor(origin, 't1')))
    // undici 7 rewrites them for any interceptor: what one that does nothing gets is the measure.
    const idle = closing(new Agent().compose((dispatch) => (options, handler) => dispatch(options, handler)))
    const raw = async (via: typeof idle) => {
      const { headers } = await request(origin, { dispatcher: via, responseHeaders: 'raw' })
      return (headers as unknown as unknown[]).map(String)
    }
    expect(await raw(dispatcher)).toEqual(await raw(idle))
  })

  it.skipIf(skip)('lets fetch read informational and compressed responses', async () => {
    const { gzipSync } = await import('node:zlib')
    const { origin } = await startServer((_seen, _request, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' }, () => {
        response.setHeader('content-encoding', 'gzip')
        response.end(gzipSync('x'.repeat(300_000)))
      })
    })
    const { Agent, fetch } = await load()
    const dispatcher = closing(new Agent().compose(interceptorFor(origin, 't1')))
    expect(await (await fetch(origin, { dispatcher })).text()).toHaveLength(300_000)
  })

  it.skipIf(skip)('sends the token with an upgrade and hands the socket over', async () => {
    const { server, origin } = await startServer()
    let authorization: string | undefined
    server.on('upgrade', (request, socket) => {
      authorization = request.headers.authorization
      socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nhello')
    })
    const { Agent, upgrade } = await load()
    const dispatcher = closing(new Agent().compose(interceptorFor(origin, 't1')))
    const { headers, socket } = await upgrade(origin, { dispatcher, protocol: 'echo' })
    const { text } = await import('node:stream/consumers')
    expect(headers.upgrade).toBe('echo')
    expect(await text(socket)).toBe('hello')
    expect(authorization).toBe('Bearer t1')
  })

  it.skipIf(skip)('does not send the token with CONNECT', async () => {
    const { server, origin } = await startServer()
    let headers: object | undefined
    server.on('connect', (request, socket) => {
      headers = request.headers
      socket.end('HTTP/1.1 200 Connected\r\n\r\n')
    })
    const { Agent, connect } = await load()
    const dispatcher = closing(new Agent().compose(interceptorFor(origin, 't1')))
    const { socket } = await connect(origin, { dispatcher, path: 'elsewhere.example:443' } as {
      dispatcher: typeof dispatcher
    })
    socket.destroy()
    expect(headers).toBeDefined()
    expect(headers).not.toHaveProperty('authorization')
  })

  it.skipIf(skip)('passes errors of the connection on', async () => {
    const server = createServer((socket) => socket.destroy())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { Agent, request, fetch } = await load()
    const dispatcher = closing(new Agent().compose(interceptorFor(origin, 's3cret')))
    const broken = await request(origin, { dispatcher }).catch((error) => error)
    expect(broken).toMatchObject({ code: 'UND_ERR_SOCKET' })
    expect(inspect(broken, { depth: 9, showHidden: true })).not.toContain('s3cret')
    await new Promise((resolve) => server.close(resolve))
    await expect(request(origin, { dispatcher })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await expect(fetch(origin, { dispatcher })).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
  })

  it.skipIf(skip)('fails as undici does when the dispatcher is closed', async () => {
    const { origin } = await startServer()
    const { Agent, request } = await load()
    const agent = new Agent()
    const dispatcher = agent.compose(interceptorFor(origin, 't1'))
    await agent.destroy()
    await expect(request(origin, { dispatcher })).rejects.toMatchObject({ code: 'UND_ERR_DESTROYED' })
  })

  it.skipIf(skip)('works with MockAgent, retry included', async () => {
    const { MockAgent, request } = await load()
    const agent = new MockAgent()
    agent.disableNetConnect()
    const authorizations: unknown[] = []
    const mock = agent.get('https://api.example')
    const reply = (status: number, text: string) =>
      mock.intercept({ path: '/' }).reply((options) => {
        authorizations.push((options.headers as Record<string, string>).authorization)
        return { statusCode: status, data: text }
      })
    reply(401, 'no')
    reply(200, 'yes')
    reply(401, 'no')
    onTestFinished(() => agent.close())
    const dispatcher = agent.compose(interceptorFor('https://api.example', 't1', 't2'))
    expect(await (await request('https://api.example/', { dispatcher })).body.text()).toBe('yes')
    expect(await (await request('https://api.example/', { dispatcher })).body.text()).toBe('no')
    expect(authorizations).toEqual(['Bearer t1', 'Bearer t2', 'Bearer t2'])
  })

  it.skipIf(skip)('works over a proxy, which sees no token in CONNECT', async () => {
    const { origin, seen } = await startServer()
    const proxy = await startServer()
    const heads: string[] = []
    proxy.server.on('connect', (request, socket) => {
      heads.push(request.rawHeaders.join(' '))
      const [host, port] = (request.url ?? '').split(':')
      const target = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 Connected\r\n\r\n')
        target.pipe(socket).pipe(target)
      })
      socket.on('error', () => target.destroy())
      target.on('error', () => socket.destroy())
    })
    const { ProxyAgent, request } = await load()
    const agent = new ProxyAgent({ uri: proxy.origin, proxyTunnel: true } as { uri: string })
    const dispatcher = closing(agent.compose(interceptorFor(origin, 't1')))
    await (await request(origin, { dispatcher })).body.dump()
    expect(seen[0]?.headers.authorization).toBe('Bearer t1')
    expect(heads.join()).not.toContain('t1')
  })

  it.skipIf(skip)('works over HTTP/2, retry included', async () => {
    const { caPem, certPem: cert, keyPem: key } = await createCertificate()
    const authorizations: (string | undefined)[] = []
    const server = createSecureServer({ cert, key, allowHTTP1: false }, (request, response) => {
      authorizations.push(request.headers.authorization)
      response.statusCode = request.headers.authorization === 'Bearer t2' ? 200 : 401
      response.end(response.statusCode === 200 ? 'welcome' : 'who are you?')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { Agent, request } = await load()
    const agent = new Agent({ allowH2: true, connect: { ca: caPem } })
    onTestFinished(async () => {
      await agent.destroy()
      await new Promise((resolve) => server.close(resolve))
    })
    const origin = `https://localhost:${(server.address() as AddressInfo).port}`
    const dispatcher = agent.compose(interceptorFor(origin, 't1', 't2'))
    const { statusCode, body } = await request(origin, { dispatcher })
    expect([statusCode, await body.text()]).toEqual([200, 'welcome'])
    const refused = await request(origin, { dispatcher: agent.compose(interceptorFor(origin, 't1')) })
    expect([refused.statusCode, await refused.body.text()]).toEqual([401, 'who are you?'])
    expect(authorizations).toEqual(['Bearer t1', 'Bearer t2', 'Bearer t1'])
  })

  it.skipIf(skip)('sends no token where a dns interceptor outside has replaced the origin', async () => {
    const { port, seen } = await startServer()
    const { Agent, interceptors, request } = await load()
    const origin = `http://localhost:${port}`
    const lookup = (_origin: unknown, _options: unknown, done: (error: null, found: object[]) => void) =>
      done(null, [{ address: '127.0.0.1', family: 4, ttl: 1_000 }])
    const dns = () => interceptors.dns({ lookup } as never)
    const token = interceptorFor(origin, 't1')
    await (await request(origin, { dispatcher: closing(new Agent().compose(dns(), token)) })).body.dump()
    await (await request(origin, { dispatcher: closing(new Agent().compose(token, dns())) })).body.dump()
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer t1', undefined])
  })
})
