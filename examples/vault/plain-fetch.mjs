// A fetch that carries the current Vault token to Vault, and nowhere else.
//
//   VAULT_ADDR=https://vault.example:8200 VAULT_ROLE=app TOKEN_PATH=/var/run/secrets/tokens/vault node plain-fetch.mjs
import { createTokenWatcher } from '@projected-token/core'
import { createVaultFetch, createVaultTokenProvider } from '@projected-token/vault'

const { TOKEN_PATH: path, VAULT_ROLE: role } = process.env
const jwt = createTokenWatcher({ path, audience: 'vault' })
const provider = createVaultTokenProvider({ role, jwt })
const vaultFetch = createVaultFetch(provider)

for (let reads = 0; reads < 3; reads++) {
  const response = await vaultFetch('/v1/secret/data/app')
  const { data } = await response.json()
  console.log(response.status, data.data.password)
}

await provider.close()
await jwt.close()
