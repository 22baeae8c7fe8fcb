/** Faults of inotify; each with a rotation that it hides. @typedef {import('./context.mjs').Fault} Fault */
import { nothing } from './context.mjs'

const rotate = async ({ kubelet }) => {
  await kubelet.rotate()
  return nothing
}

const POLLING = ['polling']

/** @type {Fault[]} */
export const INOTIFY_FAULTS = [
  // Counted for each user namespace, so that nobody else's watches are touched.
  {
    name: 'no inotify watch left (ENOSPC)',
    scenario: 14,
    needs: 'namespaces',
    launch: 'no-watches',
    watch: POLLING,
    apply: rotate,
  },
  {
    name: 'no inotify instance left (EMFILE)',
    scenario: 14,
    needs: 'namespaces',
    launch: 'no-instances',
    watch: POLLING,
    apply: rotate,
  },
  {
    name: 'no inotify at all (ENOSYS)',
    scenario: 13,
    needs: 'control',
    launch: 'no-inotify',
    watch: POLLING,
    apply: rotate,
  },
  {
    // What missed a change is degraded; what cannot be renewed after that, as here, is given up.
    name: 'inotify silently dead',
    scenario: 15,
    needs: 'control',
    watch: ['degraded', 'polling'],
    async apply({ kubelet, clients }) {
      await Promise.all(clients.map((client) => client.control('killInotify')))
      await kubelet.rotate()
      return nothing
    },
  },
]
