/** Internals of the fetch adapter, as JavaScript: its package exports whole adapters, and one step is measured here. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'
import { temporaryFolder } from '../../check/support/temporary.mjs'
import { root } from '../../check/support/workspace.mjs'

/** @returns the URL of the module that makes the header's value: packages/fetch/src/credential-header.ts */
export async function credentialHeaderModule() {
  const source = path.join(root, 'packages/fetch/src')
  const folder = await temporaryFolder('fetch-source')
  await mkdir(folder, { recursive: true })
  await writeFile(path.join(folder, 'package.json'), '{ "type": "module" }')
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }
  for (const name of await readdir(source)) {
    if (!name.endsWith('.ts')) continue
    const text = await readFile(path.join(source, name), 'utf8')
    const { outputText } = ts.transpileModule(text, { compilerOptions })
    await writeFile(path.join(folder, name.replace(/ts$/, 'js')), outputText)
  }
  return pathToFileURL(path.join(folder, 'credential-header.js')).href
}
