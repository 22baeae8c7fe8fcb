import { constants, promises as fs, type Stats, watch } from 'node:fs'
import { basename, dirname, resolve, sep } from 'node:path'
import { isPayloadDirectory, meaningOfChange, PUBLISHED } from './atomic-writer-names.js'
import { checkOptions } from './check-options.js'
import { isFilePath, isMaxTokenBytes } from './option-checks.js'
import { TokenError } from './token-error.js'
import { errorCode, notAFile, tooLarge, toTokenError } from './token-file-errors.js'

/** The content of a token file, with what its inode says. */
export interface TokenFile {
  /** The bytes, neither trimmed nor checked. */
  readonly content: Uint8Array
  /** Unix time, milliseconds, of the last write. */
  readonly modifiedAtMs: number
  /** Permission bits. */
  readonly mode: number
  /** The owner. */
  readonly uid: number
  /** The group. */
  readonly gid: number
}

/** Where a token file lies, and what to watch to see it change. */
export interface TokenFilePlace {
  /** The kubelet's volume, or the directory of a plain file, or the nearest ancestor that exists. */
  readonly directory: string
  /** The name in the directory that leads to the file: what changes when it does. */
  readonly entry: string
  /** Device, inode and birth of the directory: another one means that it was replaced or mounted over. */
  readonly identity: string
  /**
   * - `projection`: a link into a volume that the kubelet updates;
   * - `plain`: a file that something else replaces;
   * - `mounted-file`: a file mounted by itself (`subPath`): it never changes;
   * - `missing`: not there.
   */
  readonly layout: 'projection' | 'plain' | 'mounted-file' | 'missing'
}

/** A swap of the kubelet's `..data` link is over at once; on Windows the link is absent for a moment. */
const MISSING_RETRIES = 3
const UNKNOWN_SIZE_CHUNK = 4_096
/** `O_NONBLOCK`: opening a FIFO does not wait for a writer. Absent on Windows. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0)

/**
 * Reads a token file: at most `maxTokenBytes`, never waiting for a FIFO or a device.
 *
 * @param maxTokenBytes 1 to 67,108,864.
 * @throws TypeError or RangeError at once for bad arguments. Rejects with {@link TokenError} `ERR_TOKEN_NOT_FOUND`, `ERR_TOKEN_UNREADABLE`, `ERR_TOKEN_NOT_A_FILE` or `ERR_TOKEN_TOO_LARGE`.
 */
export function readTokenFile(path: string, maxTokenBytes: number): Promise<TokenFile> {
  const checks = { path: isFilePath, maxTokenBytes: isMaxTokenBytes }
  checkOptions({ path, maxTokenBytes }, checks, ['path', 'maxTokenBytes'])
  return readInAttempts(path, maxTokenBytes)
}

async function readInAttempts(path: string, maxTokenBytes: number): Promise<TokenFile> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await readOnce(path, maxTokenBytes)
    } catch (error) {
      if (error instanceof TokenError) throw error
      if (errorCode(error) === 'ENOENT' && attempt < MISSING_RETRIES) continue
      throw toTokenError(error, path)
    }
  }
}

async function readOnce(path: string, maxTokenBytes: number): Promise<TokenFile> {
  // The path is opened in one step. Resolving its links first fails when they are swapped in between.
  const handle = await fs.open(path, OPEN_FLAGS)
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw notAFile(path, kindOf(stats))
    if (stats.size > maxTokenBytes) throw tooLarge(path, `${stats.size}`, maxTokenBytes)
    const content = await readContent(handle, stats.size, maxTokenBytes)
    if (content.length > maxTokenBytes) throw tooLarge(path, `over ${maxTokenBytes}`, maxTokenBytes)
    return { content, modifiedAtMs: stats.mtimeMs, mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid }
  } finally {
    // Nothing waits for it: the content is read, and a descriptor that only reads has nothing left to fail.
    handle.close().catch(() => {})
  }
}

/** In one step for a file that is as large as it says; some, such as procfs', say 0 and have content. */
async function readContent(handle: fs.FileHandle, size: number, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let length = 0
  while (length <= maxBytes) {
    const chunk = Buffer.alloc(size || UNKNOWN_SIZE_CHUNK)
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, null)
    if (bytesRead === 0) break
    chunks.push(chunk.subarray(0, bytesRead))
    length += bytesRead
    if (length === size) break
  }
  return Buffer.concat(chunks)
}

/**
 * Finds what to watch for a token file. The file itself is no use: its name never appears in an event of the kubelet's
 * volume, and a watch on it dies with its first rotation.
 */
export async function locateTokenFile(path: string): Promise<TokenFilePlace> {
  const real = await fs.realpath(path).catch(() => undefined)
  const volume = real === undefined ? undefined : volumeOf(real)
  if (real !== undefined && volume !== undefined) return place(volume, PUBLISHED, 'projection')
  const directory = dirname(resolve(path))
  if (real !== undefined) {
    const [file, parent] = await Promise.all([fs.stat(real), fs.stat(dirname(real))])
    return place(directory, basename(path), file.dev === parent.dev ? 'plain' : 'mounted-file')
  }
  return nearestExisting(directory, basename(path))
}

/** The volume in whose payload directory a resolved path lies, for `token` as for a nested `a/b/token`. */
function volumeOf(realPath: string): string | undefined {
  const parts = realPath.split(sep)
  const index = parts.findIndex(isPayloadDirectory)
  return index > 0 ? parts.slice(0, index).join(sep) || sep : undefined
}

async function nearestExisting(directory: string, entry: string): Promise<TokenFilePlace> {
  try {
    if ((await fs.stat(directory)).isDirectory()) return await place(directory, entry, 'missing')
  } catch (error) {
    if (directory === dirname(directory)) throw error
  }
  return nearestExisting(dirname(directory), basename(directory))
}

async function place(
  directory: string,
  entry: string,
  layout: TokenFilePlace['layout'],
): Promise<TokenFilePlace> {
  // The birth time, because a file system may give the inode of a removed directory to the next one.
  const { dev, ino, birthtimeNs } = await fs.stat(directory, { bigint: true })
  return { directory, entry, identity: `${dev}:${ino}:${birthtimeNs}`, layout }
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory'
  if (stats.isFIFO()) return 'a FIFO'
  if (stats.isSocket()) return 'a socket'
  if (stats.isCharacterDevice() || stats.isBlockDevice()) return 'a device'
  return 'something else'
}

/** A watch on one directory. */
export interface DirectoryWatch {
  close(): void
}

/** What a watch reports. */
export interface DirectoryWatchListener {
  /**
   * Something changed: `published`, when a kubelet put a new version of the volume in place; otherwise anything, the
   * directory itself perhaps.
   */
  onEvent(published: boolean): void
  /** The watch is gone. Nothing follows. */
  onError(error: unknown): void
}

/**
 * Watches a directory for changes of the entry that leads to the token, or of the directory itself.
 *
 * By Node's own watch, not by chokidar: without `persistent`, which would hold the process, chokidar listens to no
 * `error` event of it, so that a watch that fails (on Windows, when the directory is removed) ends the process. It also
 * scans the directory at each event, and nothing that it adds to one directory's raw events is needed here.
 *
 * @throws the operating system's error when there is no watch to be had.
 */
export function watchPlace(
  { directory, entry }: TokenFilePlace,
  keepAlive: boolean,
  listener: DirectoryWatchListener,
): DirectoryWatch {
  const own = basename(directory)
  const watcher = watch(directory, { persistent: keepAlive }, (_type, name) => {
    const meaning = meaningOfChange(name, entry, own)
    if (meaning !== 'nothing') listener.onEvent(meaning === 'publication')
  })
  watcher.on('error', (error) => {
    watcher.close()
    listener.onError(error)
  })
  return watcher
}
