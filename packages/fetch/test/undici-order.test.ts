import { createTokenInterceptor } from '@projected-token/fetch/undici'
import { describe, expect, it } from 'vitest'
import { createScriptedProvider } from './support/provider.js'
import { type Answer, accepting, redirecting, startServer } from './support/server.js'
import { closing, majors } from './support/undici-majors.js'

type Compose = Parameters<import('undici').Agent['compose']>
type Interceptor = Extract<Compose[number], (...args: never) => unknown>

const headers = [
  { header: 'authorization', scheme: 'Bearer', value: 'Bearer t1' },
  { header: 'x-vault-token', scheme: '', value: 't1' },
]

/** From the innermost to the outermost, as compose() takes them. */
const orders = [
  ['token', 'redirect'],
  ['token', 'retry', 'redirect'],
  ['token', 'redirect', 'retry'],
  ['retry', 'token', 'redirect'],
  ['redirect', 'token'],
  ['redirect', 'retry', 'token'],
  ['retry', 'redirect', 'token'],
  ['redirect', 'token', 'retry'],
  ['redirect', 'token', 'redirect'],
  ['token', 'redirect', 'token'],
]

const matrix = majors.flatMap((major) =>
  headers.flatMap((header) => orders.map((order) => ({ ...major, ...header, order: order.join(' < ') }))),
)

describe.each(matrix)('$order under $name with the token in $header', (row) => {
  const { skip, load, header, scheme, value, order } = row
  const followed = order.lastIndexOf('redirect') > order.lastIndexOf('token')
  const credential = (seen: { headers: Record<string, unknown> }[]) =>
    seen.map(({ headers }) => headers[header])

  const compose = async (origins: string[]) => {
    const undici = await load()
    const interceptors: Record<string, Interceptor> = {
      token: createTokenInterceptor(createScriptedProvider('t1'), { origins, header, scheme }),
      redirect: undici.interceptors.redirect({ maxRedirections: 5 }),
      retry: undici.interceptors.retry({ maxRetries: 2, minTimeout: 1 }),
    }
    const list = order.split(' < ').map((name) => interceptors[name])
    return { undici, dispatcher: closing(new undici.Agent().compose(list as Compose)) }
  }

  it.skipIf(skip)('never takes the token to another origin', async () => {
    const foreign = await startServer()
    const listed = await startServer(redirecting({ '/': `${foreign.origin}/x` }))
    const { undici, dispatcher } = await compose([listed.origin])
    const { statusCode, body } = await undici.request(listed.origin, { dispatcher })
    await body.dump()
    expect(credential(listed.seen)).toEqual([value])
    expect(credential(foreign.seen)).toEqual(followed ? [undefined] : [])
    expect(statusCode).toBe(followed ? 200 : 302)
  })

  it.skipIf(skip)(
    'sends the token to the same and to another listed origin, or does not follow',
    async () => {
      const second = await startServer()
      const first = await startServer(redirecting({ '/': '/a', '/a': `${second.origin}/x` }))
      const { undici, dispatcher } = await compose([first.origin, second.origin])
      await (await undici.request(first.origin, { dispatcher })).body.dump()
      expect(credential([...first.seen, ...second.seen])).toEqual(followed ? [value, value, value] : [value])
    },
  )

  it.skipIf(skip)('never shows the token to a foreign origin that redirects back', async () => {
    const answer: Answer = ({ path }, _request, response) =>
      path === '/back'
        ? response.end('back')
        : response.writeHead(307, { location: `${foreign.origin}/x` }).end()
    const listed = await startServer(answer)
    const foreign = await startServer(redirecting({ '/x': `${listed.origin}/back` }))
    const { undici, dispatcher } = await compose([listed.origin])
    await (await undici.request(listed.origin, { dispatcher })).body.dump()
    for (const sent of credential(foreign.seen)) expect(sent).toBeUndefined()
    // Back again, the origin is judged anew; but a redirect interceptor inside may have led there by itself.
    const [first, back] = credential(listed.seen)
    expect(first).toBe(value)
    if (!order.startsWith('redirect < token < redirect')) expect(back).toBe(followed ? value : undefined)
  })

  it.skipIf(skip || !order.includes('retry'))('retries a failed request with the token', async () => {
    let failures = 2
    const { origin, seen } = await startServer((_seen, _request, response) => {
      response.statusCode = failures-- > 0 ? 503 : 200
      response.end('ok')
    })
    const { undici, dispatcher } = await compose([origin])
    expect((await undici.request(origin, { dispatcher })).statusCode).toBe(200)
    expect(credential(seen)).toEqual([value, value, value])
  })
})

describe.each(majors)('redirects and retries under $name', ({ name, skip, load }) => {
  const interceptorFor = (...origins: string[]) =>
    createTokenInterceptor(createScriptedProvider('t1', 't2'), {
      origins,
      header: 'x-vault-token',
      scheme: '',
    })

  it.skipIf(skip)('of fetch never take a custom header to another origin', async () => {
    const foreign = await startServer()
    const listed = await startServer(redirecting({ '/': '/a', '/a': `${foreign.origin}/x` }))
    const { Agent, fetch } = await load()
    const dispatcher = closing(new Agent().compose(interceptorFor(listed.origin)))
    expect((await fetch(listed.origin, { dispatcher })).url).toBe(`${foreign.origin}/x`)
    expect(listed.seen.map(({ headers }) => headers['x-vault-token'])).toEqual(['t1', 't1'])
    expect(foreign.seen[0]?.headers).not.toHaveProperty('x-vault-token')
  })

  it.skipIf(skip)('of RetryAgent work inside and outside', async () => {
    let failures = 0
    const { origin, seen } = await startServer((seen, request, response) => {
      if (failures-- > 0) response.writeHead(503).end()
      else accepting('t2')(seen, request, response)
    })
    const { Agent, RetryAgent, request } = await load()
    const options = { maxRetries: 2, minTimeout: 1 }
    const agent = closing(new Agent())
    const inside = new RetryAgent(agent, options).compose(interceptorFor(origin))
    const outside = new RetryAgent(agent.compose(interceptorFor(origin)) as typeof agent, options)
    for (const dispatcher of [inside, outside]) {
      seen.length = 0
      failures = 1
      expect((await request(origin, { dispatcher })).statusCode).toBe(200)
      expect(seen.map(({ headers }) => headers['x-vault-token'])).toEqual(['t1', 't1', 't2'])
    }
  })

  it.skipIf(skip)('asked for in the request are not followed inside, and the error says so', async () => {
    const foreign = await startServer()
    const listed = await startServer(redirecting({ '/': `${foreign.origin}/x` }))
    const undici = await load()
    const redirect = undici.interceptors.redirect({ maxRedirections: 5 })
    const base = name === 'undici 6' ? new undici.Agent() : new undici.Agent().compose(redirect)
    const dispatcher = closing(base.compose(interceptorFor(listed.origin)))
    const options = { dispatcher, maxRedirections: 3 } as { dispatcher: typeof dispatcher }
    await expect(undici.request(listed.origin, options)).rejects.toMatchObject({
      code: 'ERR_FETCH_REDIRECT_INSIDE',
    })
    expect(foreign.seen).toEqual([])
  })

  it.skipIf(skip)(
    'of an interceptor inside that ignores how undici switches them off end before they are sent',
    async () => {
      const foreign = await startServer()
      const listed = await startServer(redirecting({ '/': `${foreign.origin}/x` }))
      const undici = await load()
      const stubborn = ((dispatch: (options: object, handler: object) => boolean) =>
        (options: object, handler: object) =>
          (
            undici.interceptors.redirect({ maxRedirections: 5 })(
              dispatch as never,
            ) as unknown as typeof dispatch
          )({ ...options, maxRedirections: 5 }, handler)) as unknown as Interceptor
      const dispatcher = closing(new undici.Agent().compose(stubborn, interceptorFor(listed.origin)))
      await expect(undici.request(listed.origin, { dispatcher })).rejects.toMatchObject({
        code: 'ERR_FETCH_REDIRECT_INSIDE',
      })
      expect(foreign.seen).toEqual([])
    },
  )
})
