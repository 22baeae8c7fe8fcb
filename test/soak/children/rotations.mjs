/** Rotates in a process of its own, with a garbage collector to call, and posts what it holds at each sample. */
import { createFakeClock, FAKE_CLOCK_START_MS } from '@projected-token/testing'
import { withVolumes } from '../../bench/support/volume.mjs'
import { createBareClock } from '../rotations/bare-clock.mjs'
import { rotateOnClock } from '../rotations/on-clock.mjs'
import { rotateOnFiles } from '../rotations/on-files.mjs'
import { serve } from '../support/child.mjs'
import { holdings } from '../support/holdings.mjs'
import { createRandom } from '../support/random.mjs'

const SAMPLES = 50

const kinds = {
  clock: ({ seed, fakeClock, ...options }) =>
    rotateOnClock({
      ...options,
      random: createRandom(seed),
      clock: fakeClock ? createFakeClock() : createBareClock(FAKE_CLOCK_START_MS),
    }),
  files: rotateOnFiles,
}

const post = serve({
  rotate: ({ kind, rotations, ...options }) =>
    withVolumes((directory) =>
      kinds[kind]({
        ...{ directory, rotations, ...options },
        sampleEvery: Math.max(1, Math.floor(rotations / SAMPLES)),
        onSample: async (done, more) => post({ done, ...(await holdings()), ...more }),
      }),
    ),
})
