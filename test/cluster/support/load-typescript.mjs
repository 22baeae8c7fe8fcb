/** TypeScript of test/ that needs nothing but Node and what it bundles, as a module. */
import path from 'node:path'
import { build } from 'esbuild'
import { root } from '../../check/support/workspace.mjs'

/** @param file from the root of the checkout */
export async function loadTypeScript(file) {
  const { outputFiles } = await build({
    entryPoints: [path.join(root, file)],
    ...{ write: false, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' },
    // For packages in CommonJS.
    banner: { js: `import { createRequire } from 'node:module'; const require = createRequire('file:///');` },
  })
  const [{ contents }] = outputFiles
  return import(`data:text/javascript;base64,${Buffer.from(contents).toString('base64')}`)
}
