/**
 * The wall clock of the clients jumps, and back at the end: `Date` alone, in their processes (support/control.mjs); the
 * machine's clock, the servers' and the monotonic one go on.
 *
 * @typedef {import('./context.mjs').Fault} Fault
 */
const HOUR_MS = 3_600_000

/** @type {Fault[]} */
export const CLOCK_FAULTS = [
  step('wall clock 1 h ahead', HOUR_MS),
  step('wall clock 1 h back', -HOUR_MS),
  step('wall clock 400 days ahead', 400 * 24 * HOUR_MS),
  step('wall clock 400 days back', -400 * 24 * HOUR_MS),
  // Every new token is from the future then.
  step('wall clock 1 h back, over a rotation', -HOUR_MS, (kubelet) => kubelet.rotate()),
  step('wall clock 400 days back, over a rotation', -400 * 24 * HOUR_MS, (kubelet) => kubelet.rotate()),
]

function step(name, ms, meanwhile) {
  return {
    name,
    scenario: 18,
    needs: 'control',
    async apply({ kubelet, clients }) {
      await Promise.all(clients.map((client) => client.control('stepClock', ms)))
      await meanwhile?.(kubelet)
      return () => Promise.all(clients.map((client) => client.control('stepClock', -ms)))
    },
  }
}
