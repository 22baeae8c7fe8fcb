/** An answer that is always the same: it must not say more to one caller than to another. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

const answer = (
  status: number,
  code: string,
  message: string,
  headers?: Readonly<Record<string, string>>,
): Answer => ({
  status,
  ...(headers ? { headers } : {}),
  body: `${JSON.stringify({ error: { code, message } })}\n`,
})

/** Headers of every answer. */
export const COMMON_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
} as const

const RULES =
  "Requests need the header 'Projected-Token: true' and a Host of loopback, and must come neither through a proxy nor from a browser"

export const ANSWERS = {
  badRequest: answer(400, 'ERR_BAD_REQUEST', 'The request cannot be understood', { connection: 'close' }),
  body: answer(400, 'ERR_BAD_REQUEST', 'The request must not have a body', { connection: 'close' }),
  denied: answer(403, 'ERR_ACCESS_DENIED', RULES, { connection: 'close' }),
  notFound: answer(404, 'ERR_NOT_FOUND', 'There is nothing at this path'),
  method: answer(405, 'ERR_METHOD_NOT_ALLOWED', 'The method must be GET', {
    allow: 'GET',
    connection: 'close',
  }),
  internal: answer(500, 'ERR_INTERNAL', 'This is a bug in the sidecar', { connection: 'close' }),
} as const

/** Files are read at least once a minute; most failures pass within seconds. */
const RETRY_AFTER_SECONDS = 5

/** There is no token, for the reason that a code tells; the reason in words is in the log and the status. */
export const unavailable = (code: string): Answer =>
  answer(503, code, 'There is no valid token now; log and status of the sidecar say why', {
    'retry-after': String(RETRY_AFTER_SECONDS),
  })
