/** Functions that send one request, each by another way. They give { verdict }, or { local } when nothing was sent. */
import grpc from '@grpc/grpc-js'
import { createTokenWatcher } from '@projected-token/core'
import { createAuthFetch } from '@projected-token/fetch'
import { createTokenInterceptor as createUndiciInterceptor } from '@projected-token/fetch/undici'
import { createChannelCredentials, createTokenInterceptor } from '@projected-token/grpc'
import { Agent, request as undiciRequest } from 'undici'
import { echoService } from '../../bench/children/grpc-echo.mjs'

/** Longer than any fault: what takes longer hangs. */
const TIMEOUT_MS = 60_000
const LOCAL = /ERR_(?:(?:TOKEN|GRPC)_[A-Z_]+|PROXY_NO_TOKEN)/

const timeLimit = () => AbortSignal.timeout(TIMEOUT_MS)

/** The reason, when the product itself refused to send: its errors have a code of their own. */
async function orLocal(sending) {
  try {
    return await sending()
  } catch (error) {
    const code = [error.code, error.cause?.code].find((each) => LOCAL.test(each))
    if (code === undefined) throw error
    return { local: code }
  }
}

export async function startFetch({ token, server, keep }) {
  const watcher = keep(createTokenWatcher(token))
  const authFetch = createAuthFetch(watcher, { origins: server.url })
  await watcher.getToken()
  return (oracle) =>
    orLocal(async () => {
      const response = await authFetch(server.url, { headers: { 'x-oracle': oracle }, signal: timeLimit() })
      return { verdict: await response.json() }
    })
}

export async function startUndici({ token, server, keep }) {
  const watcher = keep(createTokenWatcher(token))
  const interceptor = createUndiciInterceptor(watcher, { origins: server.url })
  const dispatcher = new Agent().compose(interceptor)
  await watcher.getToken()
  return (oracle) =>
    orLocal(async () => {
      const options = { dispatcher, method: 'GET', headers: { 'x-oracle': oracle }, signal: timeLimit() }
      const { body, statusCode } = await undiciRequest(server.url, options)
      if (statusCode !== 307) return { verdict: await body.json() }
      await body.dump()
      return { verdict: { elsewhere: true } }
    })
}

export async function startGrpc({ token, server, keep }) {
  const watcher = keep(createTokenWatcher(token))
  const Echo = grpc.makeGenericClientConstructor(echoService, 'soak.Echo')
  const ssl = grpc.credentials.createSsl(Buffer.from(server.caPem))
  const client = new Echo(`127.0.0.1:${server.grpcPort}`, createChannelCredentials(watcher, ssl), {
    'grpc.ssl_target_name_override': 'localhost',
    interceptors: [createTokenInterceptor()],
  })
  await watcher.getToken()
  const call = (oracle) =>
    new Promise((resolve, reject) => {
      const metadata = new grpc.Metadata()
      metadata.set('x-oracle', oracle)
      const options = { deadline: Date.now() + TIMEOUT_MS }
      client.echo(Buffer.from('hello'), metadata, options, (error, bytes) => {
        if (!error) return resolve({ verdict: JSON.parse(bytes) })
        const verdict = error.metadata?.get('x-verdict')[0]
        if (verdict) return resolve({ verdict: JSON.parse(verdict) })
        const local = /plugin failed/.test(error.details) && LOCAL.exec(error.details)?.[0]
        local ? resolve({ local }) : reject(error)
      })
    })
  return async (oracle) => {
    const first = await call(oracle)
    // gRFC A97 knows no retry; a caller who knows that the call may be sent twice does it, as the README says.
    return first.verdict?.reason ? call(oracle) : first
  }
}

/** No credential at all: the proxy adds it. */
export function startProxyClient({ sidecar }) {
  return (oracle) => sendPlainly(sidecar.proxy, { 'x-oracle': oracle })
}

/** In any language: asks the endpoint each time that a token is needed. */
export function startEndpointClient({ sidecar, server }) {
  return async (oracle) => {
    const headers = { 'projected-token': 'true', accept: 'text/plain' }
    const response = await fetch(`${sidecar.api}/v1/token`, { headers, signal: timeLimit() })
    const text = await response.text()
    if (!response.ok) return { local: LOCAL.exec(text)?.[0] ?? `endpoint ${response.status}` }
    return sendPlainly(server.url, { 'x-oracle': oracle, authorization: `Bearer ${text.trim()}` })
  }
}

async function sendPlainly(url, headers) {
  const response = await fetch(url, { headers, signal: timeLimit() })
  const text = await response.text()
  if (response.status < 500) return { verdict: JSON.parse(text) }
  const local = LOCAL.exec(text)?.[0]
  if (local) return { local }
  throw new Error(`${response.status} ${text.slice(0, 100)}`)
}
