import type { Token } from '@projected-token/core'
import { checkOptions, isFunction } from '@projected-token/core/provider'
import { errorsOf } from './answer.js'
import { judgeForbidden } from './classify-answer.js'
import { insideOf } from './provider-registry.js'
import { isRedirectStatus, judgeRedirect } from './redirect-rule.js'
import { vaultHeaders } from './vault-connection.js'
import { VaultError } from './vault-error.js'
import { isReplayable, readCall, type VaultCall } from './vault-request.js'
import { isAwayByError, isAwayByStatus } from './vault-sighting.js'
import type { VaultTokenProvider } from './vault-types.js'

/**
 * Any fetch. Deliberately without the types of one implementation, which exclude each other's `Request` and
 * `Response`.
 */
export type AnyFetch = (input: never, init?: never) => Promise<unknown>

/** Options of {@link createVaultFetch}. */
export interface VaultFetchOptions {
  /**
   * Sends the requests, by TLS settings of its own; it cannot reach a `unix://` address. It is given a `URL` and an
   * init of its own for each request, whose headers are a plain record with lowercase names.
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
  const inside = insideOf(provider)
  if (inside === undefined) {
    throw new TypeError("'provider' must come from createVaultTokenProvider() of this copy of the package")
  }
  const { connection, sawAway } = inside
  const { address, clusterAddresses, namespace } = connection.settings
  const addresses = [address, ...clusterAddresses]
  const given = options.fetch as unknown as Send | undefined
  const elsewhere: Send = given ?? (globalThis.fetch as unknown as Send)
  const send: typeof connection.fetch = given ? (url, init) => given(new URL(url), init) : connection.fetch
  let oursFor: Token | undefined
  let ours: ReturnType<typeof connection.headers> | undefined

  /** A record of this request's own for a given fetch, which may write into it; undici copies what is kept for it. */
  function headersOf({ headers }: VaultCall, token: Token | undefined) {
    if (given || headers !== undefined) {
      // The caller's win: `Headers` gives their names in lowercase, as ours are.
      return { ...vaultHeaders(namespace, token?.token), ...Object.fromEntries(headers ?? []) }
    }
    if (ours === undefined || token !== oursFor) {
      oursFor = token
      ours = connection.headers(token?.token)
    }
    return ours
  }

  async function sendWith(call: VaultCall, token: Token | undefined): Promise<Response> {
    const follows = call.redirect === 'follow'
    const redirect = follows ? 'manual' : call.redirect
    let { url } = call
    for (let hops = 0; ; hops++) {
      const headers = headersOf(call, token)
      // A literal is faster than a spread, for fetch too, which asks it for every member that there may be.
      const init: Record<string, unknown> =
        call.init === undefined ? { headers, redirect } : { ...call.init, headers, redirect }
      let response: Response
      try {
        response = await send(url, init)
      } catch (error) {
        if (isAwayByError(error, call.signal)) sawAway()
        throw error
      }
      if (isAwayByStatus(response.status)) sawAway()
      const isFollowed = follows && isRedirectStatus(response.status)
      const location = isFollowed ? response.headers.get('location') : null
      if (location === null) return response
      await discard(response)
      const verdict = judgeRedirect(location, new URL(url), hops, addresses)
      if ('problem' in verdict) throw redirectError(verdict.problem)
      if (!isReplayable(call)) throw redirectError('its body cannot be sent a second time')
      url = verdict.to.href
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
