import { createToken, type GetTokenOptions, type Token, type TokenProvider } from '@projected-token/core'
import { createFakeClock, type FakeClock } from '@projected-token/testing'
import {
  createVaultTokenProvider,
  type VaultEvents,
  type VaultTokenProvider,
  type VaultTokenProviderOptions,
} from '@projected-token/vault'
import { onTestFinished } from 'vitest'
import { type StandInOptions, startVault, type VaultStandIn } from './vault-stand-in.js'

/** A provider of JWTs whose tokens a test chooses. */
export interface JwtSource extends TokenProvider {
  value: string
  error: Error | undefined
  asked: number
  invalidated: string[]
}

export function jwtSource(value = jwt({ jti: 'first' })): JwtSource {
  let held: Token | undefined
  const source: JwtSource = {
    value,
    error: undefined,
    asked: 0,
    invalidated: [],
    async getToken({ signal }: GetTokenOptions = {}) {
      signal?.throwIfAborted()
      source.asked++
      if (source.error) throw source.error
      if (held?.token !== source.value.trim())
        held = createToken({ token: source.value.trim(), loadedAtMs: 0 })
      return held as Token
    },
    invalidate: (token) => void source.invalidated.push(token.token),
  }
  return source
}

/** An unsigned service account token: nobody verifies it here. */
export function jwt(claims: Record<string, unknown> = {}): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const payload = {
    aud: ['vault'],
    iss: 'https://kubernetes.default.svc',
    sub: 'system:serviceaccount:apps:app-sa',
    exp: 4_000_000_000,
    'kubernetes.io': {
      namespace: 'apps',
      pod: { name: 'app-0', uid: 'pod-uid-1' },
      serviceaccount: { name: 'app-sa', uid: 'sa-uid-1' },
    },
    ...claims,
  }
  return `${part({ alg: 'RS256' })}.${part(payload)}.c2lnbmF0dXJl`
}

export interface Scene {
  vault: VaultStandIn
  clock: FakeClock
  jwts: JwtSource
  events: Array<[keyof VaultEvents, unknown]>
  /** Starts another provider for the same server. */
  provide(options?: Partial<VaultTokenProviderOptions>): VaultTokenProvider
}

export const EVENTS: Array<keyof VaultEvents> = [
  'login',
  'renewed',
  'failed',
  'recovered',
  'jwtRefused',
  'expired',
  'state',
]

/** A server, a clock, and a source of JWTs, which end with the test. Chance is 0.5 unless told otherwise. */
export async function scene(standIn: StandInOptions = {}): Promise<Scene> {
  const vault = await startVault(standIn)
  const clock = createFakeClock()
  const jwts = jwtSource()
  const events: Scene['events'] = []
  const providers: VaultTokenProvider[] = []
  onTestFinished(async () => {
    for (const provider of providers) void provider.close()
    await clock.advance(10_000)
    await Promise.all(providers.map((provider) => provider.close()))
    await vault.close()
  })
  return {
    vault,
    clock,
    jwts,
    events,
    provide(options = {}) {
      const provider = createVaultTokenProvider({
        address: vault.url,
        role: 'app',
        jwt: jwts,
        env: {},
        clock,
        random: () => 0.5,
        ...options,
      })
      for (const name of EVENTS) provider.on(name, (payload) => events.push([name, payload]))
      providers.push(provider)
      return provider
    },
  }
}

export const SECOND = 1_000
export const MINUTE = 60_000
export const HOUR = 3_600_000
