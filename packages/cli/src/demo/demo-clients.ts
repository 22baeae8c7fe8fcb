import { parseToken, readTokenFile, type TokenProvider } from '@projected-token/core'
import { createAuthFetch } from '@projected-token/fetch'
import { createTokenInterceptor } from '@projected-token/fetch/undici'
import { Agent, request } from 'undici'

/** Something that sends requests to the demo's server. */
export interface DemoClient {
  /** Names it on the server: the first part of the path. */
  readonly id: string
  readonly title: string
  /** Sends one request and reads the answer. @throws when there was none */
  send(): Promise<void>
  close(): Promise<void>
}

type Fetch = (url: string) => Promise<Response>

function fetchClient(id: string, title: string, origin: string, send: Fetch): DemoClient {
  const url = `${origin}/${id}`
  return {
    id,
    title,
    async send() {
      await (await send(url)).text()
    },
    close: async () => {},
  }
}

/** The global fetch, wrapped. */
export function createFetchClient(
  id: string,
  title: string,
  origin: string,
  provider: TokenProvider,
): DemoClient {
  return fetchClient(id, title, origin, createAuthFetch(provider, { origins: origin }))
}

/** undici, with the interceptor on a dispatcher of its own. */
export function createUndiciClient(
  id: string,
  title: string,
  origin: string,
  provider: TokenProvider,
): DemoClient {
  const agent = new Agent()
  const dispatcher = agent.compose(createTokenInterceptor(provider, { origins: origin }))
  const url = `${origin}/${id}`
  return {
    id,
    title,
    async send() {
      await (await request(url, { dispatcher })).body.text()
    },
    close: () => agent.close(),
  }
}

/** What the library is there to replace: reads the token once and sends it for ever. */
export async function createNaiveClient(
  id: string,
  title: string,
  origin: string,
  path: string,
): Promise<DemoClient> {
  const { token } = parseToken((await readTokenFile(path, 1_048_576)).content, path)
  const headers = { authorization: `Bearer ${token}` }
  return fetchClient(id, title, origin, (url) => fetch(url, { headers }))
}
