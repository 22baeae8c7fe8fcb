import { status } from '@grpc/grpc-js'
import { createTokenWatcher } from '@projected-token/core'
import { createChannelCredentials, createTokenInterceptor } from '@projected-token/grpc'
import { type FakeKubelet, startFakeKubelet } from '@projected-token/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { authorization, createClient, startServer } from './support/server.js'

const ROTATIONS = 20
const CALLERS = 8
const PATIENTLY = { timeout: 20_000, interval: 5 }

async function start() {
  const kubelet = await startFakeKubelet({ audience: 'api' })
  onTestFinished(() => kubelet.close())
  const watcher = createTokenWatcher({ path: kubelet.path, audience: 'api' })
  onTestFinished(() => watcher.close())
  return { kubelet, watcher }
}

/** A server that accepts the kubelet's tokens alone. */
async function startStrictServer(kubelet: FakeKubelet) {
  const server = await startServer()
  server.accepts = ([value]) =>
    kubelet.verify(value?.replace(/^Bearer /, '') ?? '').then(
      () => true,
      () => false,
    )
  return server
}

describe('with a watched token file', () => {
  it.each([
    ['alone', []],
    ['with the interceptor', [createTokenInterceptor()]],
  ])(
    `no call fails during ${ROTATIONS} rotations under load: %s`,
    { timeout: 120_000 },
    async (_name, interceptors) => {
      const { kubelet, watcher } = await start()
      const server = await startStrictServer(kubelet)
      const channelCredentials = createChannelCredentials(watcher, server.channelCredentials)
      const { call } = createClient(server.target, channelCredentials, interceptors)
      const codes = new Set<status>()
      let isOver = false
      const work = async () => {
        while (!isOver) codes.add((await call()).code)
      }
      const callers = Array.from({ length: CALLERS }, work)
      const issued = [`Bearer ${kubelet.current.token}`]
      for (let rotation = 0; rotation < ROTATIONS; rotation++) {
        const { token } = await kubelet.rotate()
        issued.push(`Bearer ${token}`)
        await vi.waitFor(() => expect(server.seen.at(-1)).toEqual([`Bearer ${token}`]), PATIENTLY)
      }
      isOver = true
      await Promise.all(callers)
      expect([...codes]).toEqual([status.OK])
      const sent = new Set(server.seen.map((values) => values.join()))
      expect([...sent].filter((value) => !issued.includes(value))).toEqual([])
      expect(sent.size).toBeGreaterThanOrEqual(ROTATIONS)
      expect(server.seen.every((values) => values.length === 1)).toBe(true)
    },
  )

  it('the backoff ends when the watch finds a token that will do', async () => {
    const kubelet = await startFakeKubelet({ audience: 'api' })
    onTestFinished(() => kubelet.close())
    const watcher = createTokenWatcher({ path: kubelet.path, audience: 'other', startupTimeoutMs: 1 })
    onTestFinished(() => watcher.close())
    const server = await startServer()
    const { call } = createClient(server.target, createChannelCredentials(watcher, server.channelCredentials))
    const { code, details } = await call()
    expect(code).toBe(status.UNAUTHENTICATED)
    expect(details).toContain('ERR_TOKEN_AUDIENCE')
    expect(details).not.toContain(kubelet.current.token)
    await kubelet.rotate({ audience: 'other' })
    await vi.waitFor(async () => expect((await call()).code).toBe(status.OK), PATIENTLY)
    expect(server.seen).toEqual([[`Bearer ${kubelet.current.token}`]])
  })

  it('a call that finds no file is UNAVAILABLE, and names it', async () => {
    const watcher = createTokenWatcher({ path: '/nowhere/token', startupTimeoutMs: 1 })
    onTestFinished(() => watcher.close())
    const server = await startServer()
    const { call } = createClient(server.target, createChannelCredentials(watcher, server.channelCredentials))
    const { code, details } = await call()
    expect(code).toBe(status.UNAVAILABLE)
    expect(details).toContain('/nowhere/token')
    expect(details).toContain('ERR_TOKEN_NOT_FOUND')
  })

  it('a token that the server revokes is looked for anew by the next call, and replaced as soon as the file has another one', async () => {
    const { kubelet, watcher } = await start()
    const server = await startServer()
    const channelCredentials = createChannelCredentials(watcher, server.channelCredentials)
    const { call } = createClient(server.target, channelCredentials, [createTokenInterceptor()])
    const revoked = (await watcher.getToken()).token
    server.accepts = ([value]) => value !== `Bearer ${revoked}`
    expect((await call()).code).toBe(status.UNAUTHENTICATED)
    const { reads } = watcher.status()
    expect((await call()).code).toBe(status.UNAUTHENTICATED)
    expect(watcher.status().reads).toBeGreaterThan(reads)
    await kubelet.rotate()
    await vi.waitFor(async () => expect((await call()).code).toBe(status.OK), PATIENTLY)
  })

  it("sends exactly one authorization: the caller's, where there is one", async () => {
    const { kubelet, watcher } = await start()
    const server = await startServer()
    const channelCredentials = createChannelCredentials(watcher, server.channelCredentials)
    const { call } = createClient(server.target, channelCredentials, [createTokenInterceptor()])
    await call({}, authorization('Bearer own'))
    await call()
    expect(server.seen).toEqual([['Bearer own'], [`Bearer ${kubelet.current.token}`]])
  })
})
