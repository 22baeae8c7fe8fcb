// A Connect client that sends the pod's current token, over HTTP/2.
//
//   TOKEN_PATH=/var/run/secrets/tokens/api-token CA_FILE=ca.crt URL=https://api.example node connect.mjs
import { readFile } from 'node:fs/promises'
import { createClient } from '@connectrpc/connect'
import { createConnectTransport, Http2SessionManager } from '@connectrpc/connect-node'
import { createTokenWatcher } from '@projected-token/core'
import { Echo } from './echo-service.mjs'
import { createTokenInterceptor } from './token-interceptor.mjs'

const { TOKEN_PATH: path, CA_FILE, URL: baseUrl } = process.env
const provider = createTokenWatcher({ path })
const sessionManager = new Http2SessionManager(baseUrl, undefined, { ca: await readFile(CA_FILE) })

const transport = createConnectTransport({
  baseUrl,
  httpVersion: '2',
  sessionManager,
  interceptors: [createTokenInterceptor(provider, [new URL(baseUrl).origin])],
})
const { value } = await createClient(Echo, transport).say({ value: 'hello' })
console.log(value)

sessionManager.abort()
await provider.close()
