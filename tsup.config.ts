import { defineConfig } from 'tsup'

/** Every published package: ESM and CJS with their types, unbundled dependencies, no source maps to serve. */
export const library = (entry: string[]) =>
  defineConfig({
    entry,
    format: ['esm', 'cjs'],
    dts: true,
    clean: true,
    target: 'node20',
    splitting: false,
    treeshake: true,
  })

export default library(['src/index.ts'])
