import { defineConfig } from 'tsup'

/** A program, not a library: one ESM file for the bin, no types. */
export default defineConfig({
  entry: ['src/index.ts'],
  format: ['esm'],
  dts: false,
  clean: true,
  target: 'node20',
  splitting: false,
})
