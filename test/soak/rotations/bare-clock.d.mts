import type { AdvancingClock } from './on-clock.mjs'

export function createBareClock(startMs: number): AdvancingClock
