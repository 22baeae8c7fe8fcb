import type { Clock } from '@projected-token/core'
import type { FastifyBaseLogger } from 'fastify'

/** One proxy: where it sends requests, and which header it adds. */
export interface ProxySpec {
  /** For logs and metrics: its listen address, say. */
  readonly name: string
  /** `http:` or `https:`, an origin, optionally with a base path below which every request stays. */
  readonly upstream: URL
  /** The header that carries the token: `authorization`, `x-vault-token`. */
  readonly header: string
  /** What precedes the token: `Bearer`; `''` for the bare token. */
  readonly scheme: string
  /** Whether a client's own header wins, or is dropped for ours. An empty one is dropped in either case. */
  readonly clientHeader: 'keep' | 'replace'
  /** PEM. Takes the place of Node's own list of authorities. @default Node's list */
  readonly ca?: string | Buffer | undefined
  /**
   * Host names, besides those that are always allowed, that `Host` may have and a browser's pages may come from;
   * `*` for all. Always allowed in `Host`: `localhost`, IP addresses, the upstream's name. See `host-policy.ts`.
   *
   * @default []
   */
  readonly allowedHosts?: readonly string[] | undefined
  /** How long a connection to the upstream may take, in milliseconds, 1 or more. @default 10_000 (undici's) */
  readonly connectTimeoutMs?: number | undefined
  /**
   * How long the upstream may take from the end of a request to the beginning of its response, in milliseconds, 1 or
   * more. Bodies may take as long as they like.
   *
   * @default 60_000 (nginx's `proxy_read_timeout`)
   */
  readonly headersTimeoutMs?: number | undefined
}

/** What a request came to. */
export interface ProxyRecord {
  /** What the client was answered: 101 for an upgrade, 499 when it left before there was an answer (nginx's number). */
  status: number
  /** Whether it was sent a second time, with another token, after a 401. */
  retried: boolean
  /** Until the end of the response; of an upgrade, until it was answered. */
  durationMs: number
}

export interface ProxyOptions {
  readonly log: FastifyBaseLogger
  /** Called once a request. */
  onRequest?(record: ProxyRecord): void
  /** @default the system's */
  readonly clock?: Clock | undefined
}

export const DEFAULT_CONNECT_TIMEOUT_MS = 10_000
export const DEFAULT_HEADERS_TIMEOUT_MS = 60_000
