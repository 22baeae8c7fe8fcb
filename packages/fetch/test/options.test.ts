import { createAuthFetch } from '@projected-token/fetch'
import { createTokenInterceptor } from '@projected-token/fetch/undici'
import { describe, expect, it } from 'vitest'
import { createScriptedProvider } from './support/provider.js'

const origins = 'https://api.example'

describe.each([
  ['createAuthFetch', createAuthFetch as (...args: unknown[]) => unknown],
  ['createTokenInterceptor', createTokenInterceptor as (...args: unknown[]) => unknown],
])('%s', (_name, create) => {
  const make = (options: unknown) => () => create(createScriptedProvider('t1'), options)

  it.each([
    ['no provider', undefined, /'provider' must be a TokenProvider.*'getToken'.*got undefined/],
    ['a token as provider', 'secret-token', /got a value of type string/],
    ['a provider that cannot be told of a refusal', { getToken() {} }, /'invalidate' function/],
  ])('refuses %s at once', (_what, provider, message) => {
    const attempt = () => create(provider, { origins })
    expect(attempt).toThrow(TypeError)
    expect(attempt).toThrow(message)
    expect(attempt).not.toThrow(/secret-token/)
  })

  it('refuses missing options and unknown ones by name', () => {
    expect(make(undefined)).toThrow(/'options' must be an object with 'origins'/)
    expect(make({ origins, origin: 'x' })).toThrow(/unknown option 'origin'; known are 'origins', 'header'/)
  })

  it.each(['', 'x y', 'x:y', 'ü', 'a\r\nb'])('refuses %j as a header name', (header) => {
    expect(make({ origins, header })).toThrow(/'header' must be a header name/)
  })

  it.each([
    'Host',
    'content-length',
    'Transfer-Encoding',
    'connection',
    'cookie',
    'Proxy-Authorization',
    'te',
  ])('refuses the header %s with a reason', (header) => {
    expect(make({ origins, header })).toThrow(new RegExp(`must not be '${header.toLowerCase()}': \\w+`))
  })

  it.each([[' '], ['Bearer '], ['Bear er'], [1], [null]])('refuses %j as a scheme', (scheme) => {
    expect(make({ origins, scheme })).toThrow(/'scheme' must be an authentication scheme/)
  })

  it('accepts options that are undefined', () => {
    expect(make({ origins, header: undefined, scheme: undefined })).not.toThrow()
  })
})

describe('createAuthFetch', () => {
  it('refuses a fetch that is no function', () => {
    expect(() => createAuthFetch(createScriptedProvider('t1'), { origins, fetch: {} as never })).toThrow(
      /'fetch' must be a function, got a value of type object/,
    )
  })
})
