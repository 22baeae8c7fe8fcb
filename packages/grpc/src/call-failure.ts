import { status } from '@grpc/grpc-js'

/**
 * What the source of the token holds is no token that could be sent: gRFC A97 wants UNAUTHENTICATED. Any other failure
 * means that the source could not be asked, which is UNAVAILABLE, and may be retried.
 */
const UNUSABLE_CONTENT = new Set([
  'ERR_TOKEN_EMPTY',
  'ERR_TOKEN_MALFORMED',
  'ERR_TOKEN_TOO_LARGE',
  'ERR_TOKEN_EXPIRED',
  'ERR_TOKEN_AUDIENCE',
  'ERR_TOKEN_ISSUER',
  'ERR_TOKEN_SUBJECT',
  'ERR_TOKEN_OLDER',
  'ERR_GRPC_INVALID_TOKEN',
  'ERR_GRPC_TOKEN_EXPIRED',
  'ERR_GRPC_INSECURE_CHANNEL',
])

/** Why a call was not sent. grpc-js reads `code`: without a number there it makes the status UNKNOWN. */
export class CallFailure extends Error {
  override readonly name = 'CallFailure'
  readonly code: status

  constructor(code: status, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** A refusal of this package, with its stable code in the message: a status has no other place for it. */
export function refuse(code: string, message: string): CallFailure {
  return new CallFailure(statusOf(code), `${message} (${code})`)
}

/** What the provider's failure is to a call. */
export function callFailure(error: unknown): CallFailure {
  if (error instanceof CallFailure) return error
  const code = textOf(error, 'code')
  const message = textOf(error, 'message') ?? 'the token provider failed'
  return new CallFailure(statusOf(code), code === undefined ? message : `${message} (${code})`, error)
}

function statusOf(code: string | undefined): status {
  return code !== undefined && UNUSABLE_CONTENT.has(code) ? status.UNAUTHENTICATED : status.UNAVAILABLE
}

/** A property of an error that may be anything, also one whose getters throw. */
function textOf(error: unknown, property: 'code' | 'message'): string | undefined {
  try {
    const value = (error as Partial<Record<typeof property, unknown>> | undefined)?.[property]
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}
