/** TypeScript of this workspace that no package exports, as modules: bundled by esbuild into a temporary folder. */
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { temporaryFolder } from '../../check/support/temporary.mjs'
import { root } from '../../check/support/workspace.mjs'

/** The pure functions of packages/vault that decide what a session does next. */
export const loadDecisions = () =>
  load('packages/vault/src', ['session.js', 'lease.js', 'next-task.js', 'lease-plan.js'])

/** startVault() and startKube() of test/real. */
export const loadRealServers = () => load('test/real', ['vault.js', 'kube.js'])

async function load(folder, files) {
  const resolveDir = path.join(root, folder)
  const outfile = path.join(await temporaryFolder('bench-module'), 'module.mjs')
  await build({
    stdin: { resolveDir, contents: files.map((file) => `export * from './${file}'`).join('\n') },
    ...{ outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' },
    // Files beside the sources are still found there.
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(path.join(resolveDir, 'bundle.js')).href) },
    // For packages in CommonJS.
    banner: { js: `import { createRequire } from 'node:module'; const require = createRequire('file:///')` },
  })
  return import(pathToFileURL(outfile).href)
}
