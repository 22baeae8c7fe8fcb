/**
 * Builds and drives the Go program in ./kube: Kubernetes' own token manager, atomic writer, discovery documents and
 * TokenReview in one process, without a cluster.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import * as http from 'node:http'
import * as https from 'node:https'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { buildGo } from './go-binary.js'

const sourceDirectory = fileURLToPath(new URL('./kube', import.meta.url))
/** Two RSA keys are made before the ready line, on a machine that may be busy with a build. */
const defaultReadyTimeoutMs = 30_000
const endTimeoutMs = 5_000
const stderrTailLength = 4_096

export interface KubeOptions {
  /** The tokens' issuer. One that is no https URL has no discovery documents. @default 'https://kubernetes.default.svc.cluster.local' */
  issuer?: string
  /** The audience of a TokenReview that names none, and of a volume with the empty audience. @default the issuer */
  apiAudience?: string
  /** @default 'rsa' */
  keyType?: 'rsa' | 'ecdsa'
  /** Serves https, with a certificate for localhost and the loopback addresses; `caPem` is its CA. @default false */
  tls?: boolean
  /** Loopback address and port. @default '127.0.0.1:0', any free port */
  listen?: string
  /** Milliseconds until the program must be ready. @default 30_000 */
  readyTimeoutMs?: number
}

export interface KubeVolumeOptions {
  /** Absolute; created if missing. Only one volume at a time may have it. */
  directory: string
  /** May be nested, like a/b/token. @default 'vault-token' */
  fileName?: string
  /** @default 'default' */
  namespace?: string
  /** Created if missing. @default 'build-robot' */
  serviceAccount?: string
  /** Created if missing. Volumes of one pod that ask for the same token share it. @default a pod of the volume's own */
  pod?: string
  /** @default 'vault' */
  audience?: string
  /** At least 1: the API server's minimum of 600 does not hold here. Below 10 nearly every sync may rotate. @default 7200 */
  expirationSeconds?: number
  /** Milliseconds from sync to sync; 0: only by sync(). @default 1000 */
  syncMs?: number
  /** Octal; overridden by fsUser and fsGroup, as in a kubelet. @default '0644' */
  mode?: string
  /** The file's owner, as by runAsUser: 0600. */
  fsUser?: number
  /** The volume's group: 0640. */
  fsGroup?: number
  /** exp one year ahead and kubernetes.io.warnafter at expirationSeconds; rotation goes by the latter. @default false */
  warnAfter?: boolean
}

export interface KubeVolumeInfo {
  id: string
  path: string
  namespace: string
  serviceAccount: string
  pod: string
  syncMs: number
  syncs: number
  /** How often another token replaced the previous one. */
  rotations: number
  /** Unix time in ms, with a fraction, right after each rotation's write; the last 20 000 of them. */
  writtenAtMs: number[]
  /** Absent until the first token. Times in seconds. */
  lastToken?: { iat: number; exp: number; jti: string }
  /** Failed syncs. The token manager hides a TokenRequest's failure until the old token has expired. */
  failures: number
  /** Why the last sync failed; absent if it did not. */
  lastError?: string
}

export interface KubeVolume {
  readonly id: string
  readonly path: string
  readonly namespace: string
  readonly serviceAccount: string
  readonly pod: string
  info(): Promise<KubeVolumeInfo>
  /** Syncs now, and tells whether that rotated the token. A sync that failed is no rejection: see `lastError`. */
  sync(): Promise<KubeVolumeInfo & { rotated: boolean }>
  setSyncMs(syncMs: number): Promise<void>
  /** Ends the syncs; the file stays. The volume is unknown afterwards. */
  stop(): Promise<KubeVolumeInfo>
}

export interface KubeTokenReview {
  authenticated: boolean
  username?: string
  audiences?: string[]
  error?: string
}

export interface KubeStats {
  tokenRequests: number
  tokenRequestFailures: number
  /** `total` also counts those that an outage or a bad body left without an answer. */
  tokenReviews: { total: number; authenticated: number; refused: number }
}

export interface Kube {
  readonly url: string
  readonly issuer: string
  readonly jwksUrl: string
  readonly pid: number
  readonly caPem?: string
  /** Resolves once the token is written; during a TokenRequest outage at once, and the file appears after it. */
  createVolume(options: KubeVolumeOptions): Promise<KubeVolume>
  /** TokenRequest outage. */
  setOutage(enabled: boolean): Promise<void>
  /** While enabled, TokenReviews are answered 503. */
  setTokenReviewOutage(enabled: boolean): Promise<void>
  deletePod(pod: string, namespace?: string): Promise<void>
  /** Makes the pod again with a new UID. Its volumes get a token for it at their next sync. */
  recreatePod(pod: string, namespace?: string): Promise<void>
  deleteServiceAccount(serviceAccount: string, namespace?: string): Promise<void>
  /** As recreatePod, but volumes keep the old account's token until it is due: so does a kubelet. */
  recreateServiceAccount(serviceAccount: string, namespace?: string): Promise<void>
  tokenReview(token: string, audiences?: string[]): Promise<KubeTokenReview>
  stats(): Promise<KubeStats>
  close(): Promise<void>
}

/** The program answered an error; `status` is its HTTP status. */
export class KubeError extends Error {
  override readonly name = 'KubeError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

let building: Promise<string> | undefined

/** Builds the program unless a binary of the same sources is in the cache. Resolves to the binary's path. */
export function buildKube(): Promise<string> {
  building ??= buildGo({
    name: 'kube',
    sourceDirectory,
    sources: "Kubernetes' packages",
    // -s -w leave out what only debuggers read, 5 of 34 MB.
    commands: (target) => [['build', '-buildvcs=false', '-ldflags=-s -w', '-o', target, '.']],
  }).catch((error: unknown) => {
    building = undefined
    throw error
  })
  return building
}

/** Builds the program if need be, and starts it. It ends with close(), and by itself when this process ends. */
export async function startKube(options: KubeOptions = {}): Promise<Kube> {
  const child = spawn(await buildKube(), toArguments(options), { stdio: ['pipe', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr = tail(stderr + chunk)
  })
  child.stdin.on('error', () => {}) // EPIPE, when the program ended first: its exit tells more.
  let ready: ReadyLine
  try {
    ready = await readReadyLine(child, options.readyTimeoutMs ?? defaultReadyTimeoutMs)
  } catch (cause) {
    await end(child)
    throw new Error(`kube did not start: ${(cause as Error).message}\n${stderr}`, { cause })
  }

  const secure = ready.url.startsWith('https:')
  const agent = secure
    ? new https.Agent({ keepAlive: true, ...(ready.caPem && { ca: ready.caPem }) })
    : new http.Agent({ keepAlive: true })
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    try {
      return await callJson<T>(new URL(path, ready.url), method, agent, body)
    } catch (error) {
      if (child.exitCode === null && child.signalCode === null) throw error
      throw new Error(`kube has ended (${child.signalCode ?? child.exitCode})\n${stderr}`, { cause: error })
    }
  }
  const control = async (path: string, body: unknown) => {
    await call('POST', `/control/${path}`, body)
  }

  return {
    ...ready,
    jwksUrl: new URL('/openid/v1/jwks', ready.url).href,
    async createVolume(volumeOptions) {
      const { id, path, namespace, serviceAccount, pod } = await call<KubeVolumeInfo>(
        'POST',
        '/control/volumes',
        volumeOptions,
      )
      const at = `/control/volumes/${id}`
      return {
        ...{ id, path, namespace, serviceAccount, pod },
        info: () => call('GET', at),
        sync: () => call('POST', `${at}/sync`),
        setSyncMs: async (syncMs) => {
          await call('PATCH', at, { syncMs })
        },
        stop: () => call('DELETE', at),
      }
    },
    setOutage: (enabled) => control('outage', { enabled }),
    setTokenReviewOutage: (enabled) => control('tokenreview-outage', { enabled }),
    deletePod: (pod, namespace) => control('pods/delete', { pod, namespace }),
    recreatePod: (pod, namespace) => control('pods/recreate', { pod, namespace }),
    deleteServiceAccount: (serviceAccount, namespace) =>
      control('serviceaccounts/delete', { serviceAccount, namespace }),
    recreateServiceAccount: (serviceAccount, namespace) =>
      control('serviceaccounts/recreate', { serviceAccount, namespace }),
    async tokenReview(token, audiences) {
      const path = '/apis/authentication.k8s.io/v1/tokenreviews'
      const { status } = await call<TokenReviewAnswer>('POST', path, {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token, audiences },
      })
      const { authenticated = false, user, audiences: accepted, error } = status
      return {
        authenticated,
        ...(user?.username && { username: user.username }),
        ...(accepted && { audiences: accepted }),
        ...(error && { error }),
      }
    },
    stats: () => call('GET', '/control/stats'),
    async close() {
      agent.destroy()
      await end(child)
    },
  }
}

type KubeProcess = ChildProcessByStdio<Writable, Readable, Readable>

interface ReadyLine {
  url: string
  issuer: string
  pid: number
  caPem?: string
}

interface TokenReviewAnswer {
  status: { authenticated?: boolean; user?: { username?: string }; audiences?: string[]; error?: string }
}

function toArguments({ listen, issuer, apiAudience, keyType, tls }: KubeOptions): string[] {
  const flags = { listen, issuer, 'api-audience': apiAudience, 'key-type': keyType, tls }
  return Object.entries(flags)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `--${name}=${value}`)
}

async function readReadyLine(child: KubeProcess, timeoutMs: number): Promise<ReadyLine> {
  const lines = createInterface({ input: child.stdout })
  const abort = new AbortController()
  const { signal } = abort
  try {
    return await Promise.race([
      once(lines, 'line', { signal }).then(([line]) => JSON.parse(line) as ReadyLine),
      // 'close' rather than 'exit': by then standard error has been read. A program that cannot run at all makes
      // once() reject with the reason.
      once(child, 'close', { signal }).then(([code, killedBy]) => {
        throw new Error(`it ended (${killedBy ?? code})`)
      }),
      delay(timeoutMs, undefined, { signal }).then(() => {
        throw new Error(`no ready line within ${timeoutMs} ms`)
      }),
    ])
  } finally {
    abort.abort()
    child.stdout.resume()
  }
}

async function callJson<T>(url: URL, method: string, agent: http.Agent, body: unknown): Promise<T> {
  const { request } = url.protocol === 'https:' ? https : http
  const outgoing = request(url, { method, agent, headers: { 'content-type': 'application/json' } })
  outgoing.end(body === undefined ? undefined : JSON.stringify(body))
  const [response] = (await once(outgoing, 'response')) as [http.IncomingMessage]
  const content = await text(response)
  const status = response.statusCode ?? 0
  if (status < 200 || status > 299)
    throw new KubeError(status, toMessage(content, `${method} ${url.pathname}: ${status}`))
  return JSON.parse(content) as T
}

/** The control plane says what was wrong in `error`, the API server's part in `message`. */
function toMessage(content: string, request: string): string {
  try {
    const { error, message } = JSON.parse(content) as { error?: string; message?: string }
    return `${request}: ${error ?? message}`
  } catch {
    return `${request}: ${content.trim()}`
  }
}

/** End of input asks it to end; signals are for a program that does not hear. */
async function end(child: KubeProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.stdin.end()
  const terminate = setTimeout(() => child.kill('SIGTERM'), endTimeoutMs / 2)
  const kill = setTimeout(() => child.kill('SIGKILL'), endTimeoutMs)
  await ended
  clearTimeout(terminate)
  clearTimeout(kill)
}

const tail = (output: string) => output.slice(-stderrTailLength)
