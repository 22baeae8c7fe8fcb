/** What the proxy answers by itself. The texts are constant: no address, no secret, nothing of the request. */
export interface ProxyAnswer {
  readonly status: number
  readonly code: ProxyAnswerCode
  readonly message: string
  /** Seconds, for `Retry-After`. */
  readonly retryAfterSeconds?: number
}

export type ProxyAnswerCode = keyof typeof ANSWERS

const ANSWERS = {
  ERR_PROXY_TARGET: [
    400,
    'The request target is not a path below the upstream: another host, an absolute form, or ".."',
  ],
  ERR_PROXY_BODY: [400, 'A GET or HEAD request must not have a body here'],
  ERR_PROXY_REQUEST: [400, 'The request cannot be sent on'],
  ERR_PROXY_UPGRADE: [400, 'This upgrade cannot be passed on: only a GET for a web socket can'],
  ERR_PROXY_HOST: [403, 'The Host of the request is not allowed here; see allowedHosts'],
  ERR_PROXY_ORIGIN: [403, 'Web pages of another origin are not allowed here; see allowedHosts'],
  ERR_PROXY_METHOD: [405, 'The method is not passed on'],
  ERR_PROXY_NO_TOKEN: [503, 'There is no valid token, so nothing was sent to the upstream', 5],
  ERR_PROXY_STOPPING: [503, 'The proxy is stopping', 1],
  ERR_PROXY_UPSTREAM_CONNECT: [502, 'The upstream could not be reached'],
  ERR_PROXY_UPSTREAM_TLS: [502, 'The upstream could not be trusted, or does not speak TLS as expected'],
  ERR_PROXY_UPSTREAM_RESET: [502, 'The upstream closed the connection'],
  ERR_PROXY_UPSTREAM_INVALID: [502, 'The upstream sent something that is not a valid response'],
  ERR_PROXY_UPSTREAM: [502, 'The request to the upstream failed'],
  ERR_PROXY_UPSTREAM_TIMEOUT: [504, 'The upstream did not answer in time'],
} as const satisfies Record<string, readonly [status: number, message: string, retryAfterSeconds?: number]>

export function proxyAnswer(code: ProxyAnswerCode): ProxyAnswer {
  const [status, message, retryAfterSeconds]: readonly [number, string, number?] = ANSWERS[code]
  return { status, code, message, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) }
}

/** The JSON body of an answer. */
export function answerBody({ code, message }: ProxyAnswer): string {
  return JSON.stringify({ code, message })
}

/** The headers of an answer's body. */
export function answerHeaders(answer: ProxyAnswer): Record<string, string> {
  return {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    ...(answer.retryAfterSeconds === undefined ? {} : { 'retry-after': String(answer.retryAfterSeconds) }),
  }
}
