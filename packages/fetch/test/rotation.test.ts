import { createAuthFetch } from '@projected-token/fetch'
import { createTokenInterceptor } from '@projected-token/fetch/undici'
import { describe, expect, it } from 'vitest'
import { createScriptedProvider } from './support/provider.js'
import { startServer } from './support/server.js'
import { closing, majors } from './support/undici-majors.js'

const ROTATIONS = 50
const CALLERS = 8
const tokens = Array.from({ length: ROTATIONS + 1 }, (_, i) => `t${i}`)

/**
 * A server that takes only the newest token, from one request to the next: harsher than a cluster, where the old one
 * stays good for a while. Each round it gets a newer one in the midst of the callers' requests.
 */
async function startStrictServer() {
  const state = { round: 0, requests: 0, refused: 0 }
  const server = await startServer((seen, _request, response) => {
    const generation = state.requests++ < CALLERS / 2 ? state.round : state.round + 1
    if (seen.headers.authorization === `Bearer t${generation}`) return response.end(seen.body)
    state.refused++
    response.writeHead(401).end('stale')
  })
  return { ...server, state }
}

/** One request of every caller in each round, all at once. */
async function sendInRounds(
  state: { round: number; requests: number },
  send: (body: string) => Promise<string>,
) {
  const bodies = Array.from({ length: CALLERS }, (_, caller) => `from caller ${caller}`)
  for (state.round = 0; state.round < ROTATIONS; state.round++) {
    state.requests = 0
    expect(await Promise.all(bodies.map(send))).toEqual(bodies)
  }
}

describe('while tokens rotate under load', () => {
  it('no caller of the fetch sees a refusal, and each rotation costs a look', async () => {
    const { origin, state } = await startStrictServer()
    const provider = createScriptedProvider(...tokens)
    const authFetch = createAuthFetch(provider, { origins: origin })
    await sendInRounds(state, async (body) => (await authFetch(origin, { method: 'POST', body })).text())
    expect(state.refused).toBe((ROTATIONS * CALLERS) / 2)
    expect(provider.lookups.length).toBeGreaterThanOrEqual(ROTATIONS)
  })

  it.each(majors.filter(({ skip }) => skip === undefined))(
    'no caller of $name sees one',
    async ({ load }) => {
      const { origin, state } = await startStrictServer()
      const { Agent, request } = await load()
      const interceptor = createTokenInterceptor(createScriptedProvider(...tokens), { origins: origin })
      const dispatcher = closing(new Agent({ connections: CALLERS }).compose(interceptor))
      const post = (body: string) => request(origin, { dispatcher, method: 'POST', body })
      await sendInRounds(state, async (body) => (await post(body)).body.text())
      expect(state.refused).toBe((ROTATIONS * CALLERS) / 2)
    },
  )

  it('a provider that rotates in time is never refused', async () => {
    const { origin, state } = await startStrictServer()
    const provider = createScriptedProvider('t0')
    const authFetch = createAuthFetch(provider, { origins: origin })
    for (state.round = 0; state.round < ROTATIONS; state.round++) {
      state.requests = 0
      expect(await (await authFetch(origin, { method: 'POST', body: 'b' })).text()).toBe('b')
      provider.rotate(`t${state.round + 1}`)
    }
    expect(state.refused).toBe(0)
    expect(provider.lookups).toEqual([])
  })
})
