import type { Clock } from '@projected-token/core'
import type { FastifyInstance } from 'fastify'
import type { Connections } from './connections.js'

/** How often connections that have become idle are looked for; as long has a new one to send its request. */
const IDLE_CHECK_MS = 50

/** A server that listens. */
export interface Listening {
  readonly app: FastifyInstance
  readonly connections: Connections
}

/**
 * Closes servers: no new connections, requests under way are finished, and what is not by then is cut.
 *
 * @param isOver aborts when the time is over
 * @returns whether nothing had to be cut
 */
export async function drain(
  listening: readonly Listening[],
  { clock, isOver }: { clock: Clock; isOver: AbortSignal },
): Promise<boolean> {
  let cancel = () => {}
  // A connection whose last request ends after close() would idle until the client or the keep-alive ends it.
  const closeIdle = () => {
    for (const { app, connections } of listening) {
      app.server.closeIdleConnections()
      connections.closeUnused()
    }
    cancel = clock.setTimer(closeIdle, IDLE_CHECK_MS)
  }
  const cut = () => {
    for (const { app } of listening) app.server.closeAllConnections()
  }
  isOver.addEventListener('abort', cut)
  const closed = Promise.all(listening.map(({ app }) => app.close()))
  closeIdle()
  try {
    if (isOver.aborted) cut()
    return await isDoneBefore(closed, isOver)
  } finally {
    cancel()
    isOver.removeEventListener('abort', cut)
  }
}

/** Waits for the end of something, or of the time. @returns which came first */
export async function isDoneBefore(something: Promise<unknown>, isOver: AbortSignal): Promise<boolean> {
  let stopWaiting = () => {}
  const over = new Promise<boolean>((resolve) => {
    const giveUp = () => resolve(false)
    if (isOver.aborted) giveUp()
    else isOver.addEventListener('abort', giveUp)
    stopWaiting = () => isOver.removeEventListener('abort', giveUp)
  })
  const done = something.then(() => true)
  // What fails later than that has nobody to tell it to.
  done.catch(() => {})
  try {
    return await Promise.race([done, over])
  } finally {
    stopWaiting()
  }
}
