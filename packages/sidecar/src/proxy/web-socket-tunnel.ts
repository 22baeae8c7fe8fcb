import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { Clock } from '@projected-token/core'
import { createFrameTracker, goingAwayFrame } from './frame-tracker.js'

/** How long both sides have to answer a "going away". Below every sensible `shutdownTimeout`. */
export const GOING_AWAY_MS = 5_000

/** A web socket, both ends of it. */
export interface Tunnel {
  /** Tells both sides that we stop (1001), and ends the connections. */
  goAway(): void
}

/**
 * Passes the bytes of a web socket on, unread but for the bounds of their frames: so everything about it, from close
 * codes to extensions, is between the two sides, and nothing is kept in memory that one of them does not take.
 *
 * Not `ws` for the same reason: it has whole messages, and its two sockets negotiate apart.
 */
export function createTunnel(client: Duplex, upstream: Duplex, clock: Clock, onClosed: () => void): Tunnel {
  let cancelTimer: (() => void) | undefined
  let open = 2
  const closed = () => {
    if (--open > 0) return
    cancelTimer?.()
    onClosed()
  }
  for (const socket of [client, upstream]) {
    socket.on('error', () => {}) // 'close' follows
    socket.once('close', closed)
  }
  const directions = [
    relay(upstream, client, () => goingAwayFrame()),
    relay(client, upstream, () => goingAwayFrame(randomBytes(4))),
  ]
  return {
    goAway() {
      if (open === 0 || cancelTimer !== undefined) return
      cancelTimer = clock.setTimer(() => {
        client.destroy()
        upstream.destroy()
      }, GOING_AWAY_MS)
      for (const direction of directions) direction.leave()
    },
  }
}

function relay(from: Duplex, to: Duplex, farewell: () => Buffer) {
  const frames = createFrameTracker()
  let leaving = false
  let left = false

  function sayFarewell(): void {
    left = true
    if (to.writable) to.end(farewell())
    from.resume() // what still comes is dropped
  }

  from.on('data', (chunk: Buffer) => {
    if (left || !to.writable) return
    const end = frames.advance(chunk, leaving)
    const takesMore = to.write(end === chunk.length ? chunk : chunk.subarray(0, end))
    if (leaving && frames.atBoundary) sayFarewell()
    else if (!takesMore) {
      from.pause()
      to.once('drain', () => from.resume())
    }
  })
  from.once('end', () => {
    if (!left) to.end()
  })
  from.once('close', () => {
    if (!from.readableEnded) to.destroy()
    else if (!left) to.end()
  })
  return {
    leave(): void {
      leaving = true
      if (!left && frames.atBoundary) sayFarewell()
    },
  }
}
