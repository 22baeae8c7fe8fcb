/** node same-exports.mjs SPECIFIER…: `import` and `require` of each give the same names, and some. */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

for (const specifier of process.argv.slice(2)) {
  const imported = Object.keys(await import(specifier)).sort()
  const required = Object.keys(require(specifier)).sort()
  assert.deepEqual(required, imported, `${specifier}: require() and import differ`)
  assert.notEqual(imported.length, 0, `${specifier} exports nothing`)
}
