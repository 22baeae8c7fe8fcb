import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { defineConfig, type Options } from 'tsup'

/**
 * Every published package: ESM and CJS with their types, unbundled dependencies, no source maps to serve.
 *
 * @param bundledInCjs dependencies that are ESM only. Node can `require()` them from 20.19 on, but jest, whose module
 *   loader is its own, cannot: the CJS files hold the used part of them, with their licence.
 */
export function library(entry: string[], bundledInCjs: string[] = []) {
  const common: Options = { entry, target: 'node20', splitting: false, treeshake: true }
  // They are built side by side: each removes old files of its own kind only.
  const keep = (others: string) => [`!**/*.{${others},d.ts,d.cts}`]
  const banner = { js: bundledInCjs.map(notice).join('\n') }
  return defineConfig([
    { ...common, format: 'esm', clean: keep('cjs') },
    { ...common, format: 'cjs', clean: keep('js'), noExternal: bundledInCjs, banner },
    { ...common, format: ['esm', 'cjs'], dts: { only: true } },
  ])
}

function notice(name: string): string {
  const folder = path.dirname(createRequire(import.meta.url).resolve(`${name}/package.json`))
  const licence = readFileSync(path.join(folder, 'LICENSE.md'), 'utf8').trim()
  return `/*!\nThe CommonJS files of this package hold parts of ${name}, under this licence:\n\n${licence}\n*/`
}

export default library(['src/index.ts'])
