/** What this process holds, after its garbage is collected (with `--expose-gc`). */
import { sampleProcess } from './process-sample.mjs'

const turn = () => new Promise((resolve) => setImmediate(resolve))

export async function holdings() {
  // What a first collection lets go (weak references, finalizers), a second one takes.
  for (let round = 0; round < 2; round++) {
    globalThis.gc?.()
    await turn()
  }
  const resources = {}
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1
  const listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
  const { heapUsed, external } = process.memoryUsage()
  return { heapUsed, external, listeners, resources, ...sampleProcess(process.pid) }
}
