// Every request to the API, by this program or by any library in it that uses fetch or undici, carries the pod's
// current token. Requests elsewhere do not.
//
//   TOKEN_PATH=/var/run/secrets/tokens/api-token URL=https://api.example/v1/things node global-dispatcher.mjs
import { createTokenWatcher } from '@projected-token/core'
import { createTokenInterceptor } from '@projected-token/fetch/undici'
import { Agent, setGlobalDispatcher } from 'undici'

const { TOKEN_PATH: path, URL: url } = process.env
const provider = createTokenWatcher({ path })
const { origin: origins } = new URL(url)

setGlobalDispatcher(new Agent().compose(createTokenInterceptor(provider, { origins })))

const response = await fetch(url)
console.log(response.status, await response.text())
await provider.close()
