import type { IncomingHttpHeaders } from 'node:http'
import { createHostPolicy } from './host-policy.js'
import type { ProxyAnswerCode } from './proxy-answer.js'
import type { ProxySpec } from './proxy-spec.js'
import { upstreamPath } from './request-target.js'

/** What the gate looks at. */
export interface GatedRequest {
  readonly url?: string | undefined
  readonly method?: string | undefined
  readonly headers: IncomingHttpHeaders
}

/** Judges each request before anything is done for it. */
export function createGate(spec: ProxySpec) {
  const hosts = createHostPolicy(spec.upstream, spec.allowedHosts)
  return {
    /** No browser reaches a unix socket. */
    checksHosts: true,
    /** Why a request is refused; `undefined` when it is not. */
    judge({ url = '', method, headers }: GatedRequest): ProxyAnswerCode | undefined {
      if (this.checksHosts) {
        const refusal = hosts.judge(headers)
        if (refusal !== undefined) return refusal === 'host' ? 'ERR_PROXY_HOST' : 'ERR_PROXY_ORIGIN'
      }
      if (upstreamPath(url, spec.upstream) === undefined) return 'ERR_PROXY_TARGET'
      // It is of this connection, and not passed on: a body that is coded otherwise would arrive as what it is not.
      const coding = headers['transfer-encoding']
      if (coding !== undefined && coding.toLowerCase() !== 'chunked') return 'ERR_PROXY_REQUEST'
      // Neither fastify nor reply-from passes it on; without it the request would mean something else.
      if ((method === 'GET' || method === 'HEAD') && hasBody(headers)) return 'ERR_PROXY_BODY'
      return undefined
    },
  }
}

export type Gate = ReturnType<typeof createGate>

export function hasBody(headers: IncomingHttpHeaders): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) > 0)
}
