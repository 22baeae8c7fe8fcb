import type { Clock } from '@projected-token/core'
import { createTokenSink, type SinkResult } from '@projected-token/core/sink'
import type { FastifyBaseLogger } from 'fastify'
import type { Source } from '../source.js'
import { createChangeHook } from './change-hook.js'
import { sinkContent } from './sink-content.js'
import type { SinkSpec } from './sink-spec.js'

/** Options of `createSinks`. */
export interface SinksOptions {
  readonly clock: Clock
  readonly log: FastifyBaseLogger
  /** Hears after each attempt whether the file holds the token. */
  readonly onResult?: ((path: string, ok: boolean) => void) | undefined
}

/** One file that follows one token. */
export interface Sink {
  /** Brings the file to the token in use, if there is one. Never rejects. */
  update(): Promise<void>
  close(): Promise<void>
}

export function createSink(
  { path, mode, uid, gid, format, onChange }: SinkSpec,
  source: Source,
  options: SinksOptions,
): Sink {
  const { clock, log } = options
  const token = `${source.kind} token '${source.name}'`
  const hook = onChange && createChangeHook(onChange, path, options)
  let told: string | undefined
  let isFirst = true
  let secret = ''
  const file = createTokenSink({ path, access: { mode, uid, gid }, clock, onResult: tell })

  function tell(result: SinkResult): void {
    if (result.outcome === 'failed') tellFailure(result.error)
    else if (result.outcome === 'expired') {
      log.error({ sink: path }, `The ${token} expired before it could be written`)
      options.onResult?.(path, false)
    } else tellSuccess(result.outcome === 'written')
  }

  function tellFailure({ code, message }: { code: string; message: string }): void {
    // Every 5 s anew, perhaps for hours: it is told again when it is another one.
    const facts = { sink: path, code }
    if (message === told) log.debug(facts, message)
    else log.error(facts, `${message} It is tried again every 5 s.`)
    told = message
    options.onResult?.(path, false)
  }

  function tellSuccess(isWritten: boolean): void {
    told = undefined
    if (isWritten) log.info({ sink: path }, `The ${token} has been written`)
    // The process before this one may have ended between its last write and the end of its hook.
    if (isWritten || isFirst) hook?.tell(secret)
    isFirst = false
    options.onResult?.(path, true)
  }

  async function update(): Promise<void> {
    const { current } = source.provider
    if (!current) return
    secret = current.token
    await file.write(current, sinkContent(format, source, current))
  }

  const stopFollowing = follow(source, () => void update())
  return {
    update,
    async close() {
      stopFollowing()
      await file.close()
      await hook?.close()
    },
  }
}

/**
 * Calls back whenever the token may be another one, or live longer. A renewal of a Vault token leaves the file as it
 * is, unless the file says when the token ends; and it mends a file that somebody has changed or removed.
 *
 * @returns what ends it
 */
function follow(source: Source, listener: () => void): () => void {
  if (source.kind === 'projected') {
    // The first token is no rotation, but the end of an episode when it came late.
    const { provider } = source
    if (!provider.current) provider.getToken().then(listener, () => {})
    provider.on('rotated', listener).on('recovered', listener)
    return () => void provider.off('rotated', listener).off('recovered', listener)
  }
  const { provider } = source
  provider.on('login', listener).on('renewed', listener)
  return () => void provider.off('login', listener).off('renewed', listener)
}
