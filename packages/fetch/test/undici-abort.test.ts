import { createTokenInterceptor } from '@projected-token/fetch/undici'
import { describe, expect, it } from 'vitest'
import { createManualProvider, createScriptedProvider, token } from './support/provider.js'
import { type Answer, accepting, startServer } from './support/server.js'
import { closing, type Major, majors } from './support/undici-majors.js'

const reason = new Error('enough')

async function setup(
  load: Major['load'],
  provider: Parameters<typeof createTokenInterceptor>[0],
  answer?: Answer,
) {
  const server = await startServer(answer)
  const undici = await load()
  const interceptor = createTokenInterceptor(provider, { origins: server.origin })
  const agent = new undici.Agent({ connections: 1, pipelining: 1 })
  const dispatcher = closing(agent.compose(interceptor))
  const controller = new AbortController()
  const send = {
    request: () => undici.request(server.origin, { dispatcher, signal: controller.signal }),
    fetch: () => undici.fetch(server.origin, { dispatcher, signal: controller.signal }),
  }
  return { ...server, undici, dispatcher, controller, send }
}

const rows = majors.flatMap((major) => (['request', 'fetch'] as const).map((api) => ({ ...major, api })))

describe.each(rows)('an abort of $api through the interceptor under $name', ({ skip, load, api }) => {
  it.skipIf(skip)('ends the wait for the first token, with its reason', async () => {
    const provider = createManualProvider()
    const { seen, controller, send } = await setup(load, provider)
    const response = send[api]()
    const { signal, resolve } = await provider.lookedUp()
    controller.abort(reason)
    await expect(response).rejects.toBe(reason)
    expect(signal?.aborted).toBe(true)
    resolve(token('t1'))
    await new Promise(setImmediate)
    expect(seen).toEqual([])
  })

  it.skipIf(skip)('ends the wait for another token after a 401, and frees the connection', async () => {
    const provider = createManualProvider(token('t1'))
    const { origin, seen, undici, dispatcher, controller, send } = await setup(load, provider, accepting())
    const response = send[api]()
    const { signal, resolve } = await provider.lookedUp()
    controller.abort(reason)
    await expect(response).rejects.toBe(reason)
    expect(signal?.aborted).toBe(true)
    resolve(token('t2'))
    provider.current = token('t3')
    await undici.request(origin, { dispatcher, headers: { authorization: 'own' } })
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer t1', 'own'])
  })

  it.skipIf(skip)('ends a request under way, and the retry of one', async () => {
    for (const count of [1, 2]) {
      let requests = 0
      const { controller, send } = await setup(
        load,
        createScriptedProvider('t1', 't2'),
        (seen, request, response) => {
          if (++requests === count) controller.abort(reason)
          else accepting()(seen, request, response)
        },
      )
      await expect(send[api]()).rejects.toBe(reason)
      expect(requests).toBe(count)
    }
  })

  it.skipIf(skip)('before the request sends nothing', async () => {
    const { seen, controller, send } = await setup(load, createScriptedProvider('t1'))
    controller.abort(reason)
    await expect(send[api]()).rejects.toBe(reason)
    expect(seen).toEqual([])
  })

  it.skipIf(skip)('ends a retry that waits for a free connection', async () => {
    const held: (() => void)[] = []
    const { origin, seen, undici, dispatcher, controller, send } = await setup(
      load,
      createScriptedProvider('t1', 't2'),
      (seen, _request, response) => {
        if (seen.path === '/slow') held.push(() => response.end('slow'))
        else response.writeHead(401).end()
      },
    )
    const response = send[api]()
    // Queued behind the first attempt, and before the second one.
    const slow = undici.request(`${origin}/slow`, { dispatcher, headers: { authorization: 'own' } })
    while (held.length === 0) await new Promise(setImmediate)
    controller.abort(reason)
    await expect(response).rejects.toBe(reason)
    for (const end of held) end()
    expect(await (await slow).body.text()).toBe('slow')
    await undici.request(origin, { dispatcher, headers: { authorization: 'own' } })
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer t1', 'own', 'own'])
  })
})
