import { createFakeClock, describeTokenProviderContract } from '@projected-token/testing'
import { createVaultTokenProvider } from '@projected-token/vault'
import { describe, it } from 'vitest'
import { jwtSource } from './support.js'
import { startVault } from './vault-stand-in.js'

const AWAY = () => ({ status: 503, body: { errors: ['Vault is sealed'] } })

describeTokenProviderContract({ describe, it }, 'a Vault login', async () => {
  const vault = await startVault()
  const clock = createFakeClock()
  const provider = createVaultTokenProvider({
    address: vault.url,
    role: 'app',
    jwt: jwtSource(),
    env: {},
    clock,
  })
  return {
    provider,
    // What Vault has another token for is a token that it no longer knows.
    rotate: async () => vault.revokeAll(),
    fail: () => vault.always('', AWAY),
    async expire() {
      vault.always('', AWAY)
      await clock.advance(2 * 3_600_000)
    },
    async recover() {
      vault.always('', undefined)
      await clock.advance(200_000)
    },
    looks: () => vault.requests.length,
    now: clock.now,
    async close() {
      await provider.close()
      await vault.close()
    },
  }
})
