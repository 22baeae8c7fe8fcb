import { inspect } from 'node:util'
import { systemClock } from '@projected-token/core'
import {
  createCallCredentials,
  createChannelCredentials,
  createTokenInterceptor,
} from '@projected-token/grpc'
import { expect, it } from 'vitest'
import { createHoldingProvider, createManualProvider, tokenError, tokenFor } from './support/provider.js'
import { createClient, startServer } from './support/server.js'

it('credentials, channels and clients show no token to inspect and JSON, before a call nor after', async () => {
  const provider = createHoldingProvider(tokenFor(systemClock, 'hidden-secret', 600))
  const server = await startServer()
  const channelCredentials = createChannelCredentials(provider, server.channelCredentials)
  const client = createClient(server.target, channelCredentials, [createTokenInterceptor()])
  const callCredentials = createCallCredentials(provider)
  for (let calls = 0; calls < 2; calls++) {
    for (const value of [channelCredentials, callCredentials, client.client]) {
      expect(inspect(value, { depth: Infinity, showHidden: true })).not.toContain('hidden-secret')
    }
    expect(JSON.stringify(callCredentials)).not.toContain('hidden-secret')
    await client.call({ credentials: callCredentials })
  }
  expect(server.seen).toHaveLength(2)
})

it('a failure holds its cause, and no token', async () => {
  const provider = createManualProvider(tokenError('ERR_TOKEN_OLDER'))
  const cause = await createCallCredentials(provider, { requireTransportSecurity: false })
    .generateMetadata({ method_name: 'm', service_url: 'https://s' })
    .catch((error) => error)
  expect(cause).toMatchObject({ code: 16, cause: { code: 'ERR_TOKEN_OLDER' } })
})

it('who asks the credentials for metadata gets some of their own, to change at will', async () => {
  const provider = createHoldingProvider(tokenFor(systemClock, 'a', 600))
  const callCredentials = createCallCredentials(provider, { requireTransportSecurity: false })
  const info = { method_name: 'm', service_url: 'https://s' }
  const metadata = await callCredentials.generateMetadata(info)
  metadata.set('x-added', 'yes')
  metadata.remove('authorization')
  expect((await callCredentials.generateMetadata(info)).getMap()).toEqual({ authorization: 'Bearer a' })
})
