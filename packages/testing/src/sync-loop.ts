import type { Clock } from '@projected-token/core'
import { nextSyncDelayMs, retryDelayMs } from './rotation-rule.js'

/** What {@link startSyncLoop} takes. */
export interface SyncLoopOptions {
  clock: Clock
  syncPeriodMs: number
  random: () => number
  /** One look at the pod; gives how many attempts in a row, this one included, could not set the volume up. */
  sync: () => Promise<number>
}

/** Looks at the pod again and again, as the kubelet's workers do. @returns a function that ends it */
export function startSyncLoop({ clock, syncPeriodMs, random, sync }: SyncLoopOptions): () => void {
  let stopped = false
  let cancel = () => {}
  const schedule = (failures: number) => {
    if (stopped) return
    const delayMs = failures > 0 ? retryDelayMs(failures) : nextSyncDelayMs(syncPeriodMs, random)
    cancel = clock.setTimer(async () => schedule(await sync()), delayMs)
  }
  schedule(0)
  return () => {
    stopped = true
    cancel()
  }
}
