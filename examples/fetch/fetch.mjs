// A fetch that sends the pod's current token to the API, and nowhere else.
//
//   TOKEN_PATH=/var/run/secrets/tokens/api-token URL=https://api.example/v1/things node fetch.mjs
import { createTokenWatcher } from '@projected-token/core'
import { createAuthFetch } from '@projected-token/fetch'

const { TOKEN_PATH: path, URL: url } = process.env
const provider = createTokenWatcher({ path })
const { origin: origins } = new URL(url)

const authFetch = createAuthFetch(provider, { origins })

const response = await authFetch(url, { method: 'POST', body: JSON.stringify({ hello: 'world' }) })
console.log(response.status, await response.text())
await provider.close()
