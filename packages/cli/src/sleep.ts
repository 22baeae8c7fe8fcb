import type { Clock } from '@projected-token/core'

/** Waits; ends at once when the signal aborts. Never rejects. Holds the process. */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const end = () => {
      cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.setTimer(end, delayMs, { keepAlive: true })
    signal.addEventListener('abort', end, { once: true })
  })
}
