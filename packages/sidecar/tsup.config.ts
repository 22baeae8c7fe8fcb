import { defineConfig } from 'tsup'

/**
 * ESM only: `main` for the bin, `index` for `import`. Split, so that what a configuration does not need is not loaded:
 * without it, all that any part imports would be imported at the start.
 */
export default defineConfig({
  entry: ['src/index.ts', 'src/main.ts'],
  format: ['esm'],
  dts: { entry: 'src/index.ts' },
  clean: true,
  target: 'node20',
  splitting: true,
})
