// Calls a gRPC service again and again with the token that is in the file at that moment. SIGTERM ends it.
//
//   TOKEN_PATH=/var/run/secrets/tokens/api-token CA_FILE=ca.crt TARGET=api.example:443 node client.mjs
import { readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import grpc from '@grpc/grpc-js'
import { createTokenWatcher } from '@projected-token/core'
import { createChannelCredentials, createTokenInterceptor } from '@projected-token/grpc'
import { whoAmIService } from './whoami-service.mjs'

const { TOKEN_PATH: path, CA_FILE, TARGET } = process.env
const provider = createTokenWatcher({ path })

const Identity = grpc.makeGenericClientConstructor(whoAmIService, 'example.Identity')
const credentials = createChannelCredentials(provider, grpc.credentials.createSsl(await readFile(CA_FILE)))
const client = new Identity(TARGET, credentials, { interceptors: [createTokenInterceptor()] })
const whoAmI = promisify(client.whoAmI.bind(client))

const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
let last
while (!stop.signal.aborted) {
  const { subject, tokenId } = await whoAmI({})
  if (tokenId !== last) console.log(`${subject} with token ${tokenId}`)
  last = tokenId
  await setTimeout(100, undefined, { signal: stop.signal }).catch(() => {})
}
client.close()
await provider.close()
