import { setTimeout as delay } from 'node:timers/promises'

/** Until the wall clock, by which servers judge, is past it. */
export async function untilExpired(unixMs) {
  while (Date.now() <= unixMs) await delay(Math.min(500, unixMs - Date.now() + 1))
}
