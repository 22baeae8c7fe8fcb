import { defineConfig } from 'vitest/config'
import shared from '../../vitest.config.js'

/** Tests against parts that nobody here wrote: minutes long, one file at a time. */
export default defineConfig({
  ...shared,
  test: {
    include: ['test/real/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 600_000,
    // A first build of the Go programs takes minutes.
    hookTimeout: 1_800_000,
  },
})
