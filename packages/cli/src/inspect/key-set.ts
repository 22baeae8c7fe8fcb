import type { Clock } from '@projected-token/core'
import type { JSONWebKeySet } from 'jose'
import { readBounded } from '../files.js'
import { sleep } from '../sleep.js'

/** A key set holds a handful of keys of under 1 KiB each (ML-DSA: 4 KiB). */
const MAX_BYTES = 1_048_576
const TIMEOUT_MS = 10_000
/** How often a pipe is asked that has nothing yet. */
const PIPE_POLL_MS = 50

/** Where keys come from, and what went wrong there. */
export type KeySetResult = { readonly keys: JSONWebKeySet } | { readonly problem: string }

/** Whether `--jwks` names a URL rather than a file. */
export function isUrl(source: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(source)
}

/** Loads a JSON Web Key Set from an http(s) URL or a file: bounded in size and time, no redirects. Never rejects. */
export async function loadKeySet(source: string, clock: Clock, signal: AbortSignal): Promise<KeySetResult> {
  try {
    const text = isUrl(source)
      ? await fetchText(source, clock, signal)
      : await readText(source, clock, signal)
    return { keys: toKeySet(text) }
  } catch (error) {
    return { problem: error instanceof Problem ? error.message : 'it could not be read' }
  }
}

class Problem extends Error {}

async function readText(path: string, clock: Clock, signal: AbortSignal): Promise<string> {
  const untilMs = clock.monotonicNow() + TIMEOUT_MS
  const pause = async () => {
    if (signal.aborted) throw new Problem('reading it was interrupted')
    if (clock.monotonicNow() >= untilMs) throw new Problem(`nothing came within ${TIMEOUT_MS / 1_000} s`)
    await sleep(clock, PIPE_POLL_MS, signal)
  }
  const content = await readBounded(path, MAX_BYTES, pause).catch((error: NodeJS.ErrnoException) => {
    if (error instanceof Problem) throw error
    throw new Problem(
      error.code === 'ENOENT' ? 'the key set file does not exist' : `reading it failed (${error.code})`,
    )
  })
  if (!content) throw new Problem(`it is larger than ${MAX_BYTES} bytes`)
  return toText(content)
}

/** A decoder leaves out the byte order mark that some editors write; JSON.parse would not have it. */
function toText(content: Uint8Array): string {
  return new TextDecoder().decode(content)
}

async function fetchText(source: string, clock: Clock, signal: AbortSignal): Promise<string> {
  const url = URL.canParse(source) ? new URL(source) : undefined
  if (!url || !['http:', 'https:'].includes(url.protocol))
    throw new Problem('only http and https URLs are read')
  if (url.username || url.password) throw new Problem('a URL with a password in it is not used')
  const timeUp = new AbortController()
  const cancelTimer = clock.setTimer(() => timeUp.abort(), TIMEOUT_MS, { keepAlive: true })
  try {
    const response = await fetch(url, {
      headers: { accept: 'application/jwk-set+json, application/json' },
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeUp.signal]),
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new Problem(describeStatus(response, url))
    }
    return await boundedText(response)
  } catch (error) {
    if (error instanceof Problem) throw error
    if (timeUp.signal.aborted) throw new Problem(`no answer within ${TIMEOUT_MS / 1_000} s`)
    throw new Problem(describeFailure(error))
  } finally {
    cancelTimer()
  }
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > MAX_BYTES) throw new Problem(`the answer is larger than ${MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return toText(Buffer.concat(chunks))
}

function describeStatus({ status, headers }: Response, url: URL): string {
  const location = headers.get('location')
  if (status >= 300 && status < 400 && location !== null && URL.canParse(location, url.href)) {
    return `it redirects to ${withoutSecrets(new URL(location, url))}: give that URL`
  }
  const hint =
    status === 401 || status === 403
      ? '. An API server shows its keys to authenticated users only: ' +
        "'kubectl get --raw /openid/v1/jwks > jwks.json', then give that file"
      : ''
  return `the server answered ${status}${hint}`
}

/** A password or a query may be a secret of the server's. */
function withoutSecrets({ protocol, host, pathname, search }: URL): string {
  return `${protocol}//${host}${pathname}${search === '' ? '' : '?…'}`
}

function describeFailure(error: unknown): string {
  const { code, message } = ((error as Error)?.cause ?? {}) as { code?: string; message?: string }
  if (code === undefined) return `the request failed${message ? ` (${message})` : ''}`
  return /CERT|ISSUER|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)
    ? `the server's certificate is not trusted (${code}): name its CA in NODE_EXTRA_CA_CERTS`
    : `the request failed (${code})`
}

function toKeySet(text: string): JSONWebKeySet {
  if (text.trim() === '') throw new Problem('nothing was found there')
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw new Problem('what was found there is not JSON') // the parser's message quotes the text
  }
  const { keys, jwks_uri: jwksUri, kty } = (document ?? {}) as Record<string, unknown>
  if (Array.isArray(keys) && keys.every((key) => typeof key === 'object' && key !== null)) {
    if (keys.length === 0) throw new Problem('the key set is empty')
    if (keys.some((key) => 'd' in key || 'k' in key))
      throw new Problem('it holds private keys, which belong nowhere else')
    return { keys }
  }
  if (typeof jwksUri === 'string') {
    throw new Problem(
      `it is a discovery document, not a JSON Web Key Set; it says that the keys are at ${jwksUri}`,
    )
  }
  if (typeof kty === 'string') throw new Problem('it is a single key, not a JSON Web Key Set ({"keys":[…]})')
  throw new Problem('it is not a JSON Web Key Set ({"keys":[…]})')
}
