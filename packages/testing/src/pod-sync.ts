import type { Projection } from './projection.js'
import { requiresRefresh, rollJitterSeconds } from './rotation-rule.js'
import type { SerialQueue } from './serial-queue.js'

/** What a sync of the pod came to. `failed`: a token was due and the TokenRequest failed. */
export type SyncOutcome = 'rotated' | 'unchanged' | 'failed'

/** The kubelet's look at one pod's volume. */
export interface PodSync {
  /** One look; must not overlap with anything else that touches the volume. */
  sync(): Promise<SyncOutcome>
  /** A look that nobody waits for: keeps its error, and gives the number of failures in a row. */
  attempt(serially: SerialQueue): Promise<number>
  /** Why the last attempt failed. */
  readonly lastError: unknown
}

/** See {@link PodSync}. */
export function createPodSync(projection: Projection, random: () => number): PodSync {
  let failuresInARow = 0
  let lastError: unknown

  async function sync(): Promise<SyncOutcome> {
    const { current, content } = projection
    const { status } = current
    if (content === 'nothing') return 'unchanged'

    const nowMs = projection.now()
    const isDue = status !== undefined && requiresRefresh(status, nowMs, rollJitterSeconds(random))
    const issued = isDue ? await projection.request().catch(() => undefined) : undefined
    if (issued) {
      await projection.publish(issued)
      failuresInARow = 0
      return 'rotated'
    }
    // `GetServiceAccountToken`: a failed refresh fails the volume only once the token at hand has expired.
    const hasFailed = isDue && nowMs > status.expirationTimestampMs
    if (!hasFailed && content === 'current') {
      await projection.volume.mount()
      await projection.writer.write(Buffer.from(current.token))
    }
    failuresInARow = hasFailed ? failuresInARow + 1 : 0
    return isDue ? 'failed' : 'unchanged'
  }

  return {
    sync,
    async attempt(serially) {
      try {
        await serially(sync)
        lastError = undefined
      } catch (error) {
        lastError = error
        failuresInARow++
      }
      return failuresInARow
    },
    get lastError() {
      return lastError
    },
  }
}
