/** A user's program; it is compiled (also as program.cts), never run. */
import { type CallCredentials, type ChannelCredentials, credentials, type Interceptor } from '@grpc/grpc-js'
import {
  createToken,
  createTokenWatcher,
  type Token,
  TokenError,
  type TokenProvider,
  type TokenWatcher,
  type TokenWatcherStatus,
} from '@projected-token/core'
import { createTokenSink, type SinkResult } from '@projected-token/core/sink'
import { createAuthFetch } from '@projected-token/fetch'
import { createTokenInterceptor } from '@projected-token/fetch/undici'
import {
  type CallCredentialsOptions,
  createCallCredentials,
  createChannelCredentials,
  createTokenInterceptor as createGrpcInterceptor,
} from '@projected-token/grpc'
import { createFakeClock, startFakeKubelet } from '@projected-token/testing'
import { createVaultFetch, createVaultTokenProvider, type VaultStatus } from '@projected-token/vault'
import { Agent, fetch as undiciFetch } from 'undici'

export async function watch(path: string): Promise<TokenWatcherStatus> {
  const watcher: TokenWatcher = createTokenWatcher({ path, audience: ['vault'], clock: createFakeClock() })
  watcher.on('rotated', ({ token, previous }) => console.log(token.expiresAtMs, previous.loadedAtMs))
  watcher.on('failed', ({ error }) => console.log(error.code === 'ERR_TOKEN_NOT_FOUND'))
  const token: Token = await watcher.getToken({ signal: AbortSignal.timeout(1000) })
  watcher.invalidate(token)
  await watcher[Symbol.asyncDispose]()
  return watcher.status()
}

export async function keep(token: Token): Promise<SinkResult> {
  const sink = createTokenSink({ path: '/run/out/token', access: { mode: 0o640, gid: 1000 } })
  const result = await sink.write(token)
  if (result.outcome === 'failed') console.log(result.error.code === 'ERR_SINK_FULL')
  await sink.close()
  return result
}

/** Whoever needs a credential takes a TokenProvider, and anybody can write one. */
export const fixed: TokenProvider = {
  current: createToken({ token: 'secret', loadedAtMs: 0 }),
  async getToken() {
    throw new TokenError('none', { code: 'ERR_TOKEN_NOT_FOUND' })
  },
  invalidate(rejected) {
    console.log(rejected.expiresAtMs)
  },
}

export async function send(provider: TokenProvider, origin: string): Promise<number> {
  const authFetch: typeof fetch = createAuthFetch(provider, { origins: [origin] })
  const dispatcher = new Agent().compose(createTokenInterceptor(provider, { origins: [origin] }))
  const responses = [await authFetch(origin), await undiciFetch(origin, { dispatcher })]
  return responses.filter((response) => response.ok).length
}

export async function readSecret(jwt: TokenProvider): Promise<VaultStatus> {
  const vault = createVaultTokenProvider({ address: 'https://vault.example', role: 'build-robot', jwt })
  const vaultFetch: typeof fetch = createVaultFetch(vault)
  await (await vaultFetch('/v1/secret/data/app')).json()
  await vault.close()
  return vault.status()
}

export async function rotate(): Promise<string> {
  const kubelet = await startFakeKubelet({ audience: 'vault', expirationSeconds: 600 })
  await kubelet.rotate()
  await kubelet.close()
  return kubelet.path
}

export function connect(provider: TokenProvider): [ChannelCredentials, CallCredentials, Interceptor] {
  const options: CallCredentialsOptions = { requireTransportSecurity: false, clock: createFakeClock() }
  return [
    createChannelCredentials(provider, credentials.createSsl()),
    createCallCredentials(provider, options),
    createGrpcInterceptor(),
  ]
}
