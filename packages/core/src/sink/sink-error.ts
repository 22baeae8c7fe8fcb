/**
 * - `ERR_SINK_DIRECTORY`: the directory is missing, or a part of the path is none;
 * - `ERR_SINK_LINK`: the path is a symbolic link, which is not followed;
 * - `ERR_SINK_NOT_A_FILE`: a directory, socket, pipe or device is there;
 * - `ERR_SINK_DENIED`: the system refused to create the file, or to give it to the wanted owner;
 * - `ERR_SINK_FULL`: the disk, or the quota, is full;
 * - `ERR_SINK_READ_ONLY`: the file system is mounted read-only;
 * - `ERR_SINK_MOUNTED`: the file is a mount of its own, which cannot be replaced;
 * - `ERR_SINK_FAILED`: anything else, by the system's words.
 */
export type SinkErrorCode =
  | 'ERR_SINK_DIRECTORY'
  | 'ERR_SINK_LINK'
  | 'ERR_SINK_NOT_A_FILE'
  | 'ERR_SINK_DENIED'
  | 'ERR_SINK_FULL'
  | 'ERR_SINK_READ_ONLY'
  | 'ERR_SINK_MOUNTED'
  | 'ERR_SINK_FAILED'

/** Options of {@link SinkError}. */
export interface SinkErrorOptions {
  /** Which failure it is. */
  code: SinkErrorCode
  /** The file that could not be written. */
  path: string
  /** The operating system's error. @default none */
  cause?: unknown
}

/** A file could not be written. The message names its path, what was found and the remedy; never what it should hold. */
export class SinkError extends Error {
  /** Which failure it is. */
  readonly code: SinkErrorCode
  /** The file that could not be written. */
  readonly path: string

  constructor(message: string, options: SinkErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'SinkError'
    this.code = options.code
    this.path = options.path
  }
}

const CAUSES: Readonly<Record<string, [code: SinkErrorCode, what: string]>> = {
  ENOENT: [
    'ERR_SINK_DIRECTORY',
    'its directory does not exist. Mount a volume there, or create the directory',
  ],
  ENOTDIR: ['ERR_SINK_DIRECTORY', 'a part of its path is no directory. Correct the path'],
  EACCES: [
    'ERR_SINK_DENIED',
    'this process may not write to its directory. Set fsGroup for the pod, or run as the owner of the directory',
  ],
  EPERM: ['ERR_SINK_DENIED', 'the system does not permit it. Run as the owner of its directory'],
  ENOSPC: ['ERR_SINK_FULL', 'the disk is full. What was in the file is still there; free some space'],
  EDQUOT: ['ERR_SINK_FULL', 'the quota is used up. What was in the file is still there; free some space'],
  EROFS: [
    'ERR_SINK_READ_ONLY',
    'its file system is read-only. Mount a writable volume there, such as an emptyDir',
  ],
  EBUSY: ['ERR_SINK_MOUNTED', 'it is a mount of its own (subPath?). Mount its directory instead'],
}

const OWNER_DENIED: [SinkErrorCode, string] = [
  'ERR_SINK_DENIED',
  'this process may not give it to that owner or group. Leave the owner out, or grant CAP_CHOWN',
]

/** What the operating system's error means for whoever wanted a file at this path. Pure. */
export function toSinkError(error: unknown, path: string): SinkError {
  const { code = '', message, syscall } = error as NodeJS.ErrnoException
  const isOfOwner = syscall === 'fchown' && (code === 'EPERM' || code === 'EINVAL')
  const [sinkCode, what] = (isOfOwner ? OWNER_DENIED : CAUSES[code]) ?? ['ERR_SINK_FAILED', message]
  return refusal(sinkCode, path, sinkCode === 'ERR_SINK_FAILED' ? what : `${code}, ${what}`, error)
}

export const isALink = (path: string): SinkError =>
  refusal('ERR_SINK_LINK', path, 'it is a symbolic link, which is not followed; name its target')

export const isNoFile = (path: string): SinkError =>
  refusal('ERR_SINK_NOT_A_FILE', path, 'what is there is no regular file. Correct the path')

function refusal(code: SinkErrorCode, path: string, problem: string, cause?: unknown): SinkError {
  return new SinkError(`The content could not be written to '${path}': ${problem}.`, { code, path, cause })
}
