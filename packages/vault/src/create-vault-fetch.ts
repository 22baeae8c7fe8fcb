import type { Token } from '@projected-token/core'
import { errorsOf } from './answer.js'
import { checkOptions, isFunction } from './check-options.js'
import { judgeForbidden } from './classify-answer.js'
import { connectionOf } from './connection-registry.js'
import { isRedirectStatus, judgeRedirect } from './redirect-rule.js'
import { vaultHeaders } from './vault-connection.js'
import { VaultError } from './vault-error.js'
import { isReplayable, readCall, type VaultCall } from './vault-request.js'
import type { VaultTokenProvider } from './vault-types.js'

/**
 * Any fetch. Deliberately without the types of one implementation, which exclude each other's `Request` and
 * `Response`.
 */
export type AnyFetch = (input: never, init?: never) => Promise<unknown>

/** Options of {@link createVaultFetch}. */
export interface VaultFetchOptions {
  /**
   * Sends the requests, by TLS settings of its own; it cannot reach a `unix://` address.
   * @default undici's fetch with the provider's TLS settings or socket. Its responses are undici's
   */
  fetch?: AnyFetch | undefined
}

type Send = (input: unknown, init?: unknown) => Promise<Response>

/** An answer with Vault's errors is far smaller. */
const MAX_ERROR_BYTES = 65_536

/**
 * Makes a fetch for Vault's API. Requests to the provider's address, or with a path alone (`/v1/secret/data/app`), get
 * its token, its namespace and `X-Vault-Request`; all others pass untouched. The token goes nowhere else: one redirect
 * is followed, to the address or one of `clusterAddresses`, and never from https to http.
 *
 * A 403 with `invalid token` causes one login, shared by all, and one retry. One that says `permission denied` alone
 * may be a policy's: the token is looked up, at most every 30 s, and the 403 is given to the caller if it lives.
 *
 * The caller's own `X-Vault-Token` or `X-Vault-Namespace` wins. Without a token nothing is sent: the returned function
 * rejects with the provider's error then.
 *
 * @throws TypeError for bad arguments, also for a provider that `createVaultTokenProvider` of this very copy of the
 *   package did not make.
 */
export function createVaultFetch(
  provider: VaultTokenProvider,
  options: VaultFetchOptions = {},
): typeof globalThis.fetch {
  checkOptions(options, { fetch: isFunction })
  const connection = connectionOf(provider)
  if (connection === undefined) {
    throw new TypeError("'provider' must come from createVaultTokenProvider() of this copy of the package")
  }
  const { address, clusterAddresses, namespace } = connection.settings
  const addresses = [address, ...clusterAddresses]
  const elsewhere = (options.fetch ?? globalThis.fetch) as unknown as Send
  const send = (options.fetch as unknown as Send | undefined) ?? (connection.fetch as unknown as Send)

  async function sendWith(call: VaultCall, token: Token | undefined): Promise<Response> {
    const ours = vaultHeaders(namespace, token?.token)
    const headers = call.headers === undefined ? ours : withCallers(call.headers, ours)
    const follows = call.redirect === 'follow'
    let { url } = call
    for (let hops = 0; ; hops++) {
      const { method, body, init, signal } = call
      const response = await send(url, {
        ...init,
        method,
        headers,
        ...(body === null ? {} : { body }),
        ...(signal === undefined ? {} : { signal }),
        redirect: follows ? 'manual' : call.redirect,
      })
      const isFollowed = follows && isRedirectStatus(response.status)
      const location = isFollowed ? response.headers.get('location') : null
      if (location === null) return response
      await discard(response)
      const verdict = judgeRedirect(location, url, hops, addresses)
      if ('problem' in verdict) throw redirectError(verdict.problem)
      if (!isReplayable(call)) throw redirectError('its body cannot be sent a second time')
      url = verdict.to
    }
  }

  const vaultFetch: Send = async (input, init) => {
    const call = readCall(input, init, addresses)
    if (call === undefined) return elsewhere(input, init)
    // A custom header follows every redirect of fetch: the caller's token is kept to the addresses all the same.
    if (call.headers?.has('x-vault-token')) return sendWith(call, undefined)
    const token = provider.current ?? (await provider.getToken({ signal: call.signal }))
    const response = await sendWith(call, token)
    if (response.status !== 403) return response
    const errors = await readErrors(response)
    provider.invalidate(token, errors)
    if (judgeForbidden(errors) === 'unrelated' || !isReplayable(call)) return response
    const replacement = await provider.getToken({ signal: call.signal }).catch(() => undefined)
    call.signal?.throwIfAborted()
    if (replacement === undefined || replacement.token === token.token) return response
    await discard(response)
    const second = await sendWith(call, replacement)
    if (second.status === 403) provider.invalidate(replacement, await readErrors(second))
    return second
  }
  return vaultFetch as unknown as typeof globalThis.fetch
}

/** Our headers under the caller's, which win: as pairs, because every fetch takes those of any other's `Headers`. */
function withCallers(callers: Headers, ours: Record<string, string>): [string, string][] {
  const own = Object.entries(ours).filter(([name]) => !callers.has(name))
  return [...callers, ...own]
}

/** Vault's words, from a copy: the caller reads the body too. */
async function readErrors(response: Response): Promise<string[]> {
  if (response.body === null || response.bodyUsed) return []
  const reader = response.clone().body?.getReader()
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      chunks.push(part.value)
      bytes += part.value.byteLength
      if (bytes > MAX_ERROR_BYTES) {
        void reader?.cancel().catch(() => {})
        return []
      }
    }
    const text = Buffer.concat(chunks).toString()
    return errorsOf(JSON.parse(text), text)
  } catch {
    // Not JSON, or cut off: not Vault's words.
    return []
  }
}

async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {})
}

function redirectError(problem: string): TypeError {
  const message = `The redirect was not followed: ${problem}`
  return new TypeError('fetch failed', { cause: new VaultError(message, { code: 'ERR_VAULT_REDIRECT' }) })
}
