// @litehex/node-vault sends its requests by any fetch: given the provider's, it needs no token of its own, and a
// dead token is replaced, and the request repeated, without the client's knowing.
//
//   VAULT_ADDR=https://vault.example:8200 VAULT_ROLE=app TOKEN_PATH=/var/run/secrets/tokens/vault \
//     node litehex-node-vault.mjs
import { Client } from '@litehex/node-vault'
import { createTokenWatcher } from '@projected-token/core'
import { createVaultFetch, createVaultTokenProvider } from '@projected-token/vault'

// It would be sent instead, for as long as it lives.
delete process.env.VAULT_TOKEN

const { TOKEN_PATH: path, VAULT_ADDR: endpoint, VAULT_ROLE: role } = process.env
const jwt = createTokenWatcher({ path, audience: 'vault' })
const provider = createVaultTokenProvider({ role, jwt })
const client = new Client({ endpoint, fetcher: createVaultFetch(provider) })

for (let reads = 0; reads < 3; reads++) {
  const { data, error } = await client.kv2.read({ mountPath: 'secret', path: 'app' })
  if (error) throw error
  console.log(data.data.data.password)
}

await provider.close()
await jwt.close()
