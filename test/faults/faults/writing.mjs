/** Faults of how the file is written. @typedef {import('./context.mjs').Fault} Fault */
import { nothing } from './context.mjs'

/** @type {Fault[]} */
export const WRITING_FAULTS = [
  {
    name: 'atomic swap',
    scenario: 1,
    async apply({ kubelet }) {
      await kubelet.rotate()
      return nothing
    },
  },
  {
    name: 'EACCES after the swap, then chown',
    scenario: 2,
    needs: 'other-user',
    launch: 'other-user',
    apply: ({ kubelet }) => pausing((pause) => kubelet.eaccesWindow({ onDenied: pause, mode: 0 })),
  },
  {
    name: 'attribute storm, same content',
    scenario: 3,
    async apply({ kubelet }) {
      await kubelet.attributeStorm(300)
      return nothing
    },
  },
  {
    name: 'missing in mid-swap, again and again',
    scenario: 7,
    async apply({ kubelet, untilLooked }) {
      let isOver = false
      const swaps = (async () => {
        while (!isOver) {
          await kubelet.obstruct('dangling-link')
          await kubelet.restore()
        }
      })()
      await untilLooked()
      return async () => {
        isOver = true
        await swaps
      }
    },
  },
  {
    name: 'rename over a plain file',
    scenario: 8,
    async apply({ kubelet }) {
      await kubelet.replaceByRename()
      return nothing
    },
  },
  {
    name: 'truncated, and empty for a while',
    scenario: 10,
    apply: ({ kubelet }) => pausing((pause) => kubelet.truncateAndWrite({ onTruncated: pause })),
  },
  {
    name: 'truncated, and half written for a while',
    scenario: 10,
    apply: ({ kubelet }) => pausing((pause) => kubelet.truncateAndWrite({ onPartial: pause })),
  },
  {
    name: '50 swaps within milliseconds',
    scenario: 24,
    async apply({ kubelet }) {
      await kubelet.burst(50)
      return nothing
    },
  },
  {
    name: 'same content, new inode',
    scenario: 25,
    async apply({ kubelet }) {
      await kubelet.rewriteSame()
      return nothing
    },
  },
  {
    name: '`..data` missing for a while (the order of Windows)',
    scenario: 32,
    kubelet: {
      writer: 'windows',
      onFileOperation: ({ kind, path }) => (kind === 'remove' && path === '..data' ? atRemoval() : undefined),
    },
    // With a kubelet that was not started so, it is a swap like any other.
    async apply({ kubelet }) {
      const end = await pausing((pause) => {
        atRemoval = pause
        return kubelet.rotate()
      })
      atRemoval = nothing
      return end
    },
  },
]

/** Called when a kubelet in the order of Windows has removed `..data`. */
let atRemoval = nothing

/** Begins something that stops where `pause` is called, and resolves there; the result lets it go on, to its end. */
async function pausing(begin) {
  let goOn = () => {}
  const isToldToGoOn = new Promise((resolve) => {
    goOn = resolve
  })
  let running
  await new Promise((reached, reject) => {
    running = begin(() => {
      reached()
      return isToldToGoOn
    })
    running.then(reached, reject)
  })
  return async () => {
    goOn()
    await running
  }
}
