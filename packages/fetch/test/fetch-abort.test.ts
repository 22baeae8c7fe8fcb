import { createAuthFetch } from '@projected-token/fetch'
import { describe, expect, it } from 'vitest'
import { createManualProvider, createScriptedProvider, token } from './support/provider.js'
import { startServer } from './support/server.js'
import { fetches } from './support/undici-majors.js'

const reason = new Error('enough')

describe.each(fetches)('an abort through $name', ({ skip, load }) => {
  it.skipIf(skip)('ends the wait for the first token, with its reason', async () => {
    const { origin, seen } = await startServer()
    const provider = createManualProvider()
    const authFetch = createAuthFetch(provider, { origins: origin, fetch: await load() })
    const controller = new AbortController()
    const response = authFetch(origin, { signal: controller.signal })
    const { signal } = await provider.lookedUp()
    controller.abort(reason)
    await expect(response).rejects.toBe(reason)
    expect(signal?.aborted).toBe(true)
    expect(seen).toEqual([])
  })

  it.skipIf(skip)('ends the wait for another token after a 401', async () => {
    const { origin, seen } = await startServer((_seen, _request, response) =>
      response.writeHead(401).end('no'),
    )
    const provider = createManualProvider(token('t1'))
    const controller = new AbortController()
    const authFetch = createAuthFetch(provider, { origins: origin, fetch: await load() })
    const response = authFetch(origin, { signal: controller.signal })
    await provider.lookedUp()
    controller.abort(reason)
    await expect(response).rejects.toBe(reason)
    expect(seen).toHaveLength(1)
  })

  it.skipIf(skip)('before the call sends nothing', async () => {
    const { origin, seen } = await startServer()
    const fetch = await load()
    const signal = AbortSignal.abort(reason)
    const held = createAuthFetch(createScriptedProvider('t1'), { origins: origin, fetch })
    await expect(held(origin, { signal })).rejects.toBe(reason)
    const waiting = createAuthFetch(createManualProvider(), { origins: origin, fetch })
    await expect(waiting(origin, { signal })).rejects.toBe(reason)
    expect(seen).toEqual([])
  })

  it.skipIf(skip)('ends a request under way', async () => {
    const controller = new AbortController()
    const { origin } = await startServer(() => controller.abort(reason))
    const authFetch = createAuthFetch(createScriptedProvider('t1'), { origins: origin, fetch: await load() })
    await expect(authFetch(origin, { signal: controller.signal })).rejects.toBe(reason)
  })
})

describe('the signal', () => {
  it('is that of the Request, unless init has one', async () => {
    const { origin } = await startServer()
    const controller = new AbortController()
    const request = new Request(origin, { signal: controller.signal })
    const first = createManualProvider()
    const response = createAuthFetch(first, { origins: origin })(request)
    await first.lookedUp()
    controller.abort(reason)
    await expect(response).rejects.toBe(reason)

    const second = createManualProvider()
    const kept = createAuthFetch(second, { origins: origin })(request, { signal: null })
    ;(await second.lookedUp()).resolve(token('t1'))
    expect((await kept).status).toBe(200)
  })
})
