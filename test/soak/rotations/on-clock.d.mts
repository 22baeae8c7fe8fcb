import type { Clock } from '@projected-token/core'

export interface AdvancingClock extends Clock {
  advance(ms: number): Promise<void>
  readonly pendingTimers: number
}
export function rotateOnClock(options: {
  directory: string
  rotations: number
  random: () => number
  clock: AdvancingClock
  sampleEvery: number
  onSample: (done: number, more: { pendingTimers: number }) => unknown
}): Promise<{
  rotations: number
  reads: number
  maxFoundMs: number
  maxGapMs: number
  maxDriftMs: number
  years: number
}>
