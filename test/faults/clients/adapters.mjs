/** How one request is sent through each adapter: resolves with what the server said, rejects with what the adapter did. */
import { readFile } from 'node:fs/promises'
import grpc from '@grpc/grpc-js'
import { createAuthFetch } from '@projected-token/fetch'
import { createTokenInterceptor } from '@projected-token/fetch/undici'
import * as tokenGrpc from '@projected-token/grpc'
import { createVaultFetch, createVaultTokenProvider } from '@projected-token/vault'
import { Agent, request } from 'undici'
import { whoAmI } from '../support/grpc-service.mjs'

export const ADAPTERS = {
  fetch(watcher, { url }) {
    const authFetch = createAuthFetch(watcher, { origins: url })
    return {
      async request() {
        const response = await authFetch(`${url}/who-am-i`)
        return answerOf(response.status, await response.text())
      },
    }
  },

  undici(watcher, { url }) {
    const dispatcher = new Agent().compose(createTokenInterceptor(watcher, { origins: url }))
    return {
      async request() {
        const { statusCode, body } = await request(`${url}/who-am-i`, { dispatcher })
        return answerOf(statusCode, await body.text())
      },
    }
  },

  grpc(watcher, { url, caPem }) {
    const WhoAmI = grpc.makeGenericClientConstructor(whoAmI, 'faults.WhoAmI')
    const credentials = tokenGrpc.createChannelCredentials(
      watcher,
      grpc.credentials.createSsl(Buffer.from(caPem)),
    )
    const client = new WhoAmI(url, credentials, {
      interceptors: [tokenGrpc.createTokenInterceptor()],
      'grpc.ssl_target_name_override': 'localhost',
      // A connection that a fault cut is there again soon after it.
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 500,
    })
    return {
      request: () =>
        new Promise((resolve) => {
          client.ask(Buffer.alloc(0), (error, answer) =>
            resolve(error ? statusOf(error) : answerOf(200, answer)),
          )
        }),
    }
  },

  vault(watcher, { url, mount }) {
    const vault = createVaultTokenProvider({
      ...{ address: url, role: 'app', method: 'jwt', mount, jwt: watcher, keepAlive: true, env: {} },
    })
    const vaultFetch = createVaultFetch(vault)
    return {
      logins: () => vault.status().logins,
      async request() {
        const response = await vaultFetch('/v1/auth/token/lookup-self')
        const text = await response.text()
        if (response.status !== 200) return { kind: 'answer', status: response.status }
        return { kind: 'accepted', id: JSON.parse(text).data.meta.jti }
      },
    }
  },
}

/** What programs do without this project: the matrix has to find them out. */
export const PEERS = {
  /** Reads the token when it is first needed. */
  once(_watcher, { url, watcher: { path } }) {
    let token
    return {
      async request() {
        token ??= await readFile(path, 'utf8')
        return plainRequest(url, token)
      },
    }
  },
  /** Reads the token for every request. */
  'each-time': (_watcher, { url, watcher: { path } }) => ({
    request: async () => plainRequest(url, await readFile(path, 'utf8')),
  }),
}

async function plainRequest(url, token) {
  const response = await fetch(`${url}/who-am-i`, { headers: { authorization: `Bearer ${token.trim()}` } })
  return answerOf(response.status, await response.text())
}

function answerOf(status, text) {
  if (status !== 200) return { kind: 'answer', status }
  const { id, elsewhere } = JSON.parse(text)
  return elsewhere === undefined ? { kind: 'accepted', id } : { kind: 'elsewhere', elsewhere }
}

/** A failure of the token's has its code at the end of the details. */
function statusOf({ code, details }) {
  const [own] = /ERR_(?:TOKEN|WATCHER|VAULT|GRPC)_[A-Z_]+/.exec(details) ?? []
  if (own) return { kind: 'error', code: own, message: details }
  if (code === grpc.status.UNAUTHENTICATED) return { kind: 'answer', status: 'UNAUTHENTICATED' }
  return { kind: 'network', code: `${code} ${details}` }
}
