import type { Clock } from '@projected-token/core'
import type { FastifyInstance } from 'fastify'

/** How often connections that have become idle are looked for. */
const IDLE_CHECK_MS = 50

/**
 * Closes servers: no new connections, requests under way are finished, and what is not by then is cut.
 *
 * @param isOver aborts when the time is over
 * @returns whether nothing had to be cut
 */
export async function drain(
  apps: readonly FastifyInstance[],
  { clock, isOver }: { clock: Clock; isOver: AbortSignal },
): Promise<boolean> {
  let cancel = () => {}
  // A connection whose last request ends after close() would idle until the client or the keep-alive ends it.
  const closeIdle = () => {
    for (const { server } of apps) server.closeIdleConnections()
    cancel = clock.setTimer(closeIdle, IDLE_CHECK_MS)
  }
  const cut = () => {
    for (const { server } of apps) server.closeAllConnections()
  }
  isOver.addEventListener('abort', cut)
  const closed = Promise.all(apps.map((app) => app.close()))
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
