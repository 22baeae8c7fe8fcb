import { createAuthFetch } from '@projected-token/fetch'
import { createTokenInterceptor } from '@projected-token/fetch/undici'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { createScriptedProvider } from './support/provider.js'

const provider = createScriptedProvider('t1')
const options = { origins: 'https://api.example' }

/** Checked by the compiler; what runs only shows that nothing is left out. */
describe('the types', () => {
  it('let every undici major compose the interceptor', () => {
    const interceptor = createTokenInterceptor(provider, options)
    const compositions = [
      (agent: import('undici-6').Agent) => agent.compose(interceptor),
      (agent: import('undici').Agent) => agent.compose(interceptor),
      (agent: import('undici-8').Agent) => agent.compose(interceptor),
      (agent: import('undici-6').Agent) => agent.compose([interceptor]),
      (agent: import('undici').Agent) => agent.compose([interceptor]),
      (agent: import('undici-8').Agent) => agent.compose([interceptor]),
    ]
    expect(compositions).toHaveLength(6)
  })

  it('give back the type of the fetch that was given', () => {
    expectTypeOf(createAuthFetch(provider, options)).toEqualTypeOf<typeof globalThis.fetch>()
    const wrap = {
      6: (fetch: typeof import('undici-6').fetch) => createAuthFetch(provider, { ...options, fetch }),
      7: (fetch: typeof import('undici').fetch) => createAuthFetch(provider, { ...options, fetch }),
      8: (fetch: typeof import('undici-8').fetch) => createAuthFetch(provider, { ...options, fetch }),
    }
    expectTypeOf<ReturnType<(typeof wrap)[6]>>().toEqualTypeOf<typeof import('undici-6').fetch>()
    expectTypeOf<ReturnType<(typeof wrap)[7]>>().toEqualTypeOf<typeof import('undici').fetch>()
    expectTypeOf<ReturnType<(typeof wrap)[8]>>().toEqualTypeOf<typeof import('undici-8').fetch>()
    expect(Object.keys(wrap)).toHaveLength(3)
  })
})
