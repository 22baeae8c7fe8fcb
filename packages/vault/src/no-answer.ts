import type { NoAnswer } from './answer.js'
import { redact } from './redact.js'

/** The reason that ends a request whose time is up. */
export const TIMED_OUT = Symbol('timed out')

/** OpenSSL's verdicts on a certificate, and its and Node's errors of a handshake. */
const TLS_CODES =
  /^(?:CERT_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|EPROTO|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|INVALID_CA|PATH_LENGTH|HOSTNAME_)/

/** Why a request has no answer. @param abortReason what ended it, if something did */
export function noAnswer(error: unknown, abortReason: unknown, timeoutMs: number): NoAnswer {
  const { code, message, path } = error as NodeJS.ErrnoException
  if (abortReason === TIMED_OUT) {
    return { kind: 'none', why: 'timeout', problem: `no answer within ${Math.round(timeoutMs / 100) / 10} s` }
  }
  if (abortReason !== undefined) return { kind: 'none', why: 'aborted', problem: 'the request was given up' }
  const said = redact([code, message].filter((part) => part && part !== '').join(': '))
  // An error of the file system names a path: of a socket (with a system call), or of a TLS file.
  const isTlsFile = path !== undefined && (error as NodeJS.ErrnoException).syscall !== 'connect'
  const why = isTlsFile || TLS_CODES.test(code ?? '') ? 'tls' : 'transport'
  return { kind: 'none', why, problem: said, cause: withoutAnswer(error) }
}

/** An error of undici's parser has with it what the server sent: a token, perhaps. */
function withoutAnswer(error: unknown): unknown {
  if (!(error instanceof Error) || !('data' in error)) return error
  const { name, message, stack } = error
  return Object.assign(new Error(redact(message)), {
    name,
    stack,
    code: (error as NodeJS.ErrnoException).code,
  })
}
