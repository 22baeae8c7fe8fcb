import { resolve } from 'node:path'
import { checkOptions, optionCheck } from '../check-options.js'
import { type Clock, systemClock } from '../clock.js'
import { isExpired } from '../expiry.js'
import { isClock, isFunction, isObject } from '../option-checks.js'
import { createSingleFlight } from '../single-flight.js'
import type { Token } from '../token.js'
import { checkFileAccess, DEFAULT_ACCESS, type FileAccess } from './file-access.js'
import { removeFile, removeLeftovers, replaceFile } from './replace-file.js'
import type { SinkError } from './sink-error.js'

/** Full disks and unmounted volumes take a person; readers still have the old token, which mostly lives. */
const RETRY_MS = 5_000

const CHECKS = {
  path: optionCheck(
    (value) => typeof value === 'string',
    "the path of a file: not empty, without NUL characters, not ending in '/'",
    (value: string) => value !== '' && !value.includes('\0') && !value.endsWith('/'),
  ),
  access: isObject,
  onResult: isFunction,
  clock: isClock,
}

/** Options of {@link createTokenSink}. */
export interface TokenSinkOptions {
  /** The file. A relative path is resolved at once. Its directory must exist when a token is written. */
  path: string
  /** Who may read the file. @default { mode: 0o600 } */
  access?: FileAccess | undefined
  /**
   * Hears how each attempt ended, repeated ones too. What it throws, or rejects with, becomes a process warning.
   * @default nobody hears
   */
  onResult?: ((result: SinkResult) => void) | undefined
  /** @default systemClock */
  clock?: Clock | undefined
}

/**
 * How an attempt to write a token ended.
 *
 * - `written`: the file is new;
 * - `unchanged`: it was as it should be;
 * - `failed`: it is as it was before; another attempt follows after 5 s;
 * - `expired`: the token ended before it could be written, so that it was not;
 * - `closed`: the sink was closed before.
 */
export type SinkResult =
  | { readonly outcome: 'written' | 'unchanged' | 'expired' | 'closed' }
  | { readonly outcome: 'failed'; readonly error: SinkError }

/** A file that holds a token. */
export interface TokenSink {
  /** Absolute. */
  readonly path: string
  /**
   * Asks that the file hold this token from now on. A failed write is tried again every 5 s, until it succeeds, the
   * token expires, there is another one, or the sink is closed; that does not hold the process. Never two writes at a
   * time: during one, the latest token asked for is the next one.
   *
   * @param content what the file is to hold. @default the token alone
   * @returns how the first attempt ended that covers this call; it never rejects.
   */
  write(token: Token, content?: string): Promise<SinkResult>
  /** Ends writes and retries. Fulfils when the write under way has ended; the file stays. */
  close(): Promise<void>
  /** Closes the sink and removes the file: of a token that has been revoked. @throws {@link SinkError} */
  remove(): Promise<void>
}

interface Request {
  token: Token
  content: string
  result?: SinkResult
}

/**
 * Keeps a token in a file. Synchronous; begins at once with the removal of what a killed process may have left in the
 * directory: half-written files of this sink.
 *
 * @throws TypeError (`ERR_INVALID_ARG_TYPE`) or RangeError (`ERR_OUT_OF_RANGE`) for a bad option.
 */
export function createTokenSink(options: TokenSinkOptions): TokenSink {
  const given = checkOptions(options, CHECKS, ['path'])
  const { clock = systemClock, onResult = () => {} } = given
  const access = checkFileAccess(given.access ?? DEFAULT_ACCESS)
  const path = resolve(given.path)
  let wanted: Request | undefined
  let isSwept = false
  let isClosed = false
  let cancelRetry = () => {}

  const flight = createSingleFlight(async () => {
    if (!isSwept) await removeLeftovers(path)
    isSwept = true
    const request = wanted
    wanted = undefined
    if (!request || isClosed) return
    const { token, content } = request
    const result = await attempt(token, content)
    request.result = result
    tell(result)
    // What waits by now is newer: this token must not come back after it.
    if (result.outcome !== 'failed' || isClosed || wanted) return
    cancelRetry = clock.setTimer(() => retry(token, content), RETRY_MS)
  })

  function retry(token: Token, content: string): Promise<void> {
    wanted ??= { token, content }
    return flight.request()
  }

  async function attempt(token: Token, content: string): Promise<SinkResult> {
    if (isExpired(token, clock.now())) return { outcome: 'expired' }
    try {
      return { outcome: (await replaceFile(path, content, access)) ? 'written' : 'unchanged' }
    } catch (error) {
      return { outcome: 'failed', error: error as SinkError }
    }
  }

  function tell(result: SinkResult): void {
    // Async, so that a throw and a rejection are one case.
    void (async () => onResult(result))().catch((error) => {
      process.emitWarning(`'onResult' threw: ${(error as Error)?.message}`, {
        code: 'PROJECTED_TOKEN_LISTENER',
      })
    })
  }

  async function close(): Promise<void> {
    isClosed = true
    wanted = undefined
    cancelRetry()
    await flight.join()
  }

  void flight.request()
  return {
    path,
    async write(token, content = token.token) {
      if (isClosed) return { outcome: 'closed' }
      cancelRetry()
      // One that waits is overtaken: whoever asked for it hears of this one.
      wanted = Object.assign(wanted ?? {}, { token, content })
      const request = wanted
      await flight.request()
      return request.result ?? { outcome: 'closed' }
    },
    close,
    async remove() {
      await close()
      await removeFile(path)
    },
  }
}
