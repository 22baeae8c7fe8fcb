import { credentials } from '@grpc/grpc-js'
import type { TokenProvider } from '@projected-token/core'
import { createCallCredentials, createChannelCredentials } from '@projected-token/grpc'
import { describe, expect, it } from 'vitest'
import { createManualProvider } from './support/provider.js'

const provider = createManualProvider()
const ssl = credentials.createSsl()
const invalid = (message: RegExp) =>
  expect.objectContaining({
    name: 'TypeError',
    code: 'ERR_INVALID_ARG_TYPE',
    message: expect.stringMatching(message),
  })

describe('bad arguments are a TypeError at once', () => {
  it.each([undefined, null, 'secret', { getToken() {} }, { invalidate() {} }])('provider: %o', (value) => {
    const bad = value as unknown as TokenProvider
    expect(() => createCallCredentials(bad)).toThrow(invalid(/'provider' must be a TokenProvider/))
    expect(() => createChannelCredentials(bad, ssl)).toThrow(invalid(/'provider' must be a TokenProvider/))
  })

  it.each([undefined, null, 'https', {}, []])('channelCredentials: %o', (value) => {
    expect(() => createChannelCredentials(provider, value as never)).toThrow(invalid(/'channelCredentials'/))
  })

  it.each([null, 'x', [], { requireTransportSecurity: 'no' }, { allowInsecure: true }, { clock: {} }])(
    'options of call credentials: %o',
    (value) => {
      expect(() => createCallCredentials(provider, value as never)).toThrow(
        invalid(/must be|There is no option/),
      )
    },
  )

  it.each([null, [], { requireTransportSecurity: false }, { clock: null }])(
    'options of channel credentials: %o',
    (value) => {
      expect(() => createChannelCredentials(provider, ssl, value as never)).toThrow(
        invalid(/must be|There is no option/),
      )
    },
  )

  it('an option that is undefined is the default', () => {
    createCallCredentials(provider, { requireTransportSecurity: undefined, clock: undefined })
    createChannelCredentials(provider, ssl, { clock: undefined })
  })
})
