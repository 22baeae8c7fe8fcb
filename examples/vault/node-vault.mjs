// node-vault with a token that is always the current one: its own login and renewal are not used.
//
//   VAULT_ADDR=https://vault.example:8200 VAULT_ROLE=app TOKEN_PATH=/var/run/secrets/tokens/vault node node-vault.mjs
import { createTokenWatcher } from '@projected-token/core'
import { createVaultTokenProvider } from '@projected-token/vault'
import nodeVault from 'node-vault'

const { TOKEN_PATH: path, VAULT_ADDR: endpoint, VAULT_ROLE: role } = process.env
const jwt = createTokenWatcher({ path, audience: 'vault' })
const provider = createVaultTokenProvider({ role, jwt })

// It reads client.token for each request. A program that has it as a global keeps it, and gets each new token.
const client = nodeVault({ endpoint })
provider.on('login', ({ token }) => {
  client.token = token.token
})

/** Waits for a token if there is none, and tells the provider of a refusal: a dead token is replaced, once. */
async function read(secret) {
  const token = await provider.getToken()
  try {
    return await client.read(secret)
  } catch (error) {
    if (error.response?.statusCode !== 403) throw error
    provider.invalidate(token, error.response.body.errors)
    if ((await provider.getToken()).token === token.token) throw error
    return client.read(secret)
  }
}

for (let reads = 0; reads < 3; reads++) {
  const { data } = await read('secret/data/app')
  console.log(data.data.password)
}

await provider.close()
await jwt.close()
