import { quotePath } from './format.js'
import { TokenError } from './token-error.js'

/** The typed error for what the operating system said. */
export function toTokenError(error: unknown, path: string): TokenError {
  const code = errorCode(error)
  const because = { path, cause: error }
  switch (code) {
    case 'ENOENT':
      return new TokenError(
        `Token file ${quotePath(path)} does not exist. Is the projected volume mounted in this container, at this path?`,
        { code: 'ERR_TOKEN_NOT_FOUND', ...because },
      )
    case 'EISDIR':
      return notAFile(path, 'a directory')
    case 'ENXIO':
      return notAFile(path, 'a socket')
    case 'EACCES':
    case 'EPERM': {
      const user = process.getuid
        ? ` by uid ${process.getuid()}, groups ${process.getgroups?.().join(' ')}`
        : ''
      return new TokenError(
        `Token file ${quotePath(path)} may not be read${user} (${code}). Set fsGroup in the pod's securityContext (the file becomes 0640), or runAsUser alike for all containers (0600)`,
        { code: 'ERR_TOKEN_UNREADABLE', ...because },
      )
    }
    default:
      return new TokenError(`Token file ${quotePath(path)} could not be read (${code ?? 'unknown error'})`, {
        code: 'ERR_TOKEN_UNREADABLE',
        ...because,
      })
  }
}

export function tooLarge(path: string, bytes: string, maxTokenBytes: number): TokenError {
  return new TokenError(
    `Token file ${quotePath(path)} holds ${bytes} bytes, more than maxTokenBytes (${maxTokenBytes})`,
    { code: 'ERR_TOKEN_TOO_LARGE', path },
  )
}

export function notAFile(path: string, kind: string): TokenError {
  return new TokenError(`Token path ${quotePath(path)} leads to ${kind}, not to a regular file`, {
    code: 'ERR_TOKEN_NOT_A_FILE',
    path,
  })
}

/** `code` of an error of Node's. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
}
