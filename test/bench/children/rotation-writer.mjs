/** Rotates tokens: a process of its own, as the kubelet is. */
import { writeVolume } from '../support/volume.mjs'
import { sleep } from './contenders.mjs'
import { serve } from './serve.mjs'

serve({
  /** Answers late: nobody is to be woken while the contenders race. */
  async rotate({ directory, token, quietMs }) {
    const swappedAtNs = writeVolume(directory, token)
    await sleep(quietMs)
    return swappedAtNs
  },
})
