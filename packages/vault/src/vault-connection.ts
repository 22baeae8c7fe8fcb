import { createHash } from 'node:crypto'
import type { Clock } from '@projected-token/core'
import { setAwakeTimer } from '@projected-token/core/provider'
import { Agent, Headers, request, fetch as undiciFetch } from 'undici'
import { type Answer, readAnswer } from './answer.js'
import { linkAbort } from './link-abort.js'
import { noAnswer, TIMED_OUT } from './no-answer.js'
import { patientConnector } from './patient-connector.js'
import { isRedirectStatus, judgeRedirect } from './redirect-rule.js'
import { readTlsFiles, type TlsMaterial, type TlsSource } from './tls-files.js'
import { apiUrl, type VaultAddress } from './vault-address.js'

/** Settings of a connection. */
export interface ConnectionSettings {
  readonly address: VaultAddress
  /** Where a standby may send its client to. */
  readonly clusterAddresses: readonly VaultAddress[]
  readonly namespace: string | undefined
  readonly tls: TlsSource
  readonly requestTimeoutMs: number
  readonly clock: Clock
}

/** One request to Vault's API. */
export interface VaultRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly token?: string | undefined
  readonly body?: object | undefined
  /** A limit below that of the settings; milliseconds. */
  readonly timeLimitMs?: number | undefined
}

/** The one way to a Vault. */
export interface VaultConnection {
  readonly settings: ConnectionSettings
  /** Sends once: no retries in here, they belong to the loop. Never rejects. */
  send(request: VaultRequest, signal?: AbortSignal): Promise<Answer>
  /** The headers of every request, for `fetch`: an object of its own kind is what it copies with least ado. */
  headers(token: string | undefined): Iterable<[string, string]>
  /**
   * A WHATWG fetch that uses the same TLS settings or socket. It adds nothing else and follows no rule.
   *
   * @param init is for this request alone: its dispatcher is put in here.
   */
  fetch(url: string, init: Record<string, unknown>): Promise<Response>
  close(): Promise<void>
}

/** Real time: a host that swallows packets. It keeps a dead attempt from blocking the next one. */
const CONNECT_TIMEOUT_MS = 10_000
/** Vault's answers to login and renewal take a few kilobytes. */
const MAX_ANSWER_BYTES = 1_048_576

/** The headers of every request; without `X-Vault-Request` a listener may answer 412. */
export function vaultHeaders(namespace: string | undefined, token: string | undefined) {
  return {
    'x-vault-request': 'true',
    ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
    ...(token === undefined ? {} : { 'x-vault-token': token }),
  }
}

/** Opens nothing yet: files are read, and sockets opened, by the first request. */
export function createVaultConnection(settings: ConnectionSettings): VaultConnection {
  const { address, clusterAddresses, namespace, clock } = settings
  const addresses = [address, ...clusterAddresses]
  const hasSocket = address.socketPath !== undefined
  let agents: Agents | undefined
  /** All that may still have sockets. */
  const opened = new Set<Agents>()
  let isClosed = false

  /** Ends agents once the requests under way have, which got through and are not disturbed. */
  function retire(old: Agents | undefined): void {
    if (old === undefined) return
    old.close().then(
      () => opened.delete(old),
      () => {},
    )
  }

  /** The agents for the TLS files as they are now. */
  async function open(): Promise<Agents> {
    const material = await readTlsFiles(settings.tls)
    const fingerprint = fingerprintOf(material)
    if (agents?.fingerprint !== fingerprint) {
      retire(agents)
      agents = createAgents(settings, material, fingerprint)
      opened.add(agents)
    }
    if (isClosed) await agents.destroy()
    return agents
  }

  async function exchange(message: VaultRequest, signal: AbortSignal): Promise<Answer> {
    let url = apiUrl(address, message.path)
    let at = address
    for (let hops = 0; ; hops++) {
      const sentAtMs = clock.monotonicNow()
      const response = await request(url, {
        dispatcher: (agents ?? (await open())).of(at),
        method: message.method,
        headers: {
          ...vaultHeaders(namespace, message.token),
          accept: 'application/json',
          ...(message.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: message.body === undefined ? null : JSON.stringify(message.body),
        signal,
      })
      const text = await readBounded(response.body)
      const header = (name: string) => [response.headers[name]].flat()[0]
      if (!isRedirectStatus(response.statusCode)) {
        return readAnswer(response.statusCode, text, header('retry-after'), sentAtMs, clock.now())
      }
      const verdict = judgeRedirect(header('location'), url, hops, addresses)
      if ('problem' in verdict) {
        return { kind: 'none', why: 'redirect', problem: `the redirect was not followed: ${verdict.problem}` }
      }
      url = verdict.to
      at = verdict.address
    }
  }

  return {
    settings,
    async send(message, signal) {
      const ended = new AbortController()
      const limitMs = Math.min(settings.requestTimeoutMs, message.timeLimitMs ?? Number.POSITIVE_INFINITY)
      const cancel = setAwakeTimer(clock, () => ended.abort(TIMED_OUT), limitMs)
      const unlink = linkAbort(ended, signal)
      try {
        // A login looks at the files anew; what is renewed goes on as it began.
        if (message.token === undefined || agents === undefined) await open()
        return await exchange(message, ended.signal)
      } catch (error) {
        const failure = noAnswer(error, ended.signal.reason, limitMs)
        if (failure.why === 'tls') {
          // The next attempt reads the files again.
          retire(agents)
          agents = undefined
        }
        return failure
      } finally {
        cancel()
        unlink()
      }
    },
    headers: (token) => new Headers(vaultHeaders(namespace, token)),
    fetch(url, init) {
      // Only a socket has an agent of its own.
      const at = hasSocket ? addresses.find((one) => url.startsWith(`${one.baseUrl}/`)) : address
      const sendBy = (opened: Agents) => {
        init.dispatcher = opened.of(at ?? address)
        return undiciFetch(url, init as object) as unknown as Promise<Response>
      }
      return agents === undefined ? open().then(sendBy) : sendBy(agents)
    },
    async close() {
      isClosed = true
      await Promise.all([...opened].map((one) => one.destroy()))
    },
  }
}

interface Agents {
  readonly fingerprint: string
  of(address: VaultAddress): Agent
  close(): Promise<void>
  destroy(): Promise<void>
}

function createAgents(
  { tls, address, clock }: ConnectionSettings,
  material: TlsMaterial,
  fingerprint: string,
): Agents {
  const connect = {
    timeout: CONNECT_TIMEOUT_MS,
    ...(material.ca.length > 0 ? { ca: material.ca.map(asText) } : {}),
    ...(material.cert === undefined ? {} : { cert: asText(material.cert) }),
    ...(material.key === undefined ? {} : { key: asText(material.key) }),
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
    ...(tls.skipVerify ? { rejectUnauthorized: false } : {}),
  }
  const network = new Agent({ connect: patientConnector(connect, clock) })
  const socket =
    address.socketPath === undefined
      ? undefined
      : new Agent({ connect: patientConnector({ ...connect, socketPath: address.socketPath }, clock) })
  return {
    fingerprint,
    of: (one) => (one.socketPath !== undefined && socket ? socket : network),
    async close() {
      await Promise.all([network.close(), socket?.close()])
    },
    async destroy() {
      await Promise.all([network.destroy(), socket?.destroy()])
    },
  }
}

const asText = (pem: string | Uint8Array) => (typeof pem === 'string' ? pem : Buffer.from(pem).toString())

function fingerprintOf({ ca, cert, key }: TlsMaterial): string {
  const parts = [...ca, '', cert ?? '', key ?? ''].map(asText)
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

async function readBounded(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.byteLength
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
