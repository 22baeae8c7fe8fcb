/**
 * Every fault, by what it is a fault of. One is applied by `const undo = await fault.apply(context)` and ended by
 * `await undo()`; what a context is, and what else a fault says of itself, is in context.mjs.
 */
import { CLOCK_FAULTS } from './clock.mjs'
import { CONTENT_FAULTS } from './content.mjs'
import { DEATH_FAULTS } from './death.mjs'
import { INOTIFY_FAULTS } from './inotify.mjs'
import { KUBELET_FAULTS } from './kubelet.mjs'
import { MOUNT_FAULTS } from './mount.mjs'
import { PROCESS_FAULTS } from './process.mjs'
import { SERVER_FAULTS } from './server.mjs'
import { SINK_FAULTS } from './sink.mjs'
import { WRITING_FAULTS } from './writing.mjs'

const FILE_FAULTS = [...WRITING_FAULTS, ...MOUNT_FAULTS, ...CONTENT_FAULTS, ...KUBELET_FAULTS]

/** By scenario, then the others. @type {import('./context.mjs').Fault[]} */
export const FAULTS = [
  ...[...FILE_FAULTS, ...INOTIFY_FAULTS].sort((a, b) => (a.scenario ?? 99) - (b.scenario ?? 99)),
  ...PROCESS_FAULTS,
  ...CLOCK_FAULTS,
  ...SERVER_FAULTS,
  ...SINK_FAULTS,
  ...DEATH_FAULTS,
]

/** @throws RangeError when there is none of that name. */
export function faultNamed(name) {
  const found = FAULTS.find((fault) => fault.name === name)
  if (found === undefined) throw new RangeError(`There is no fault named '${name}'`)
  return found
}
