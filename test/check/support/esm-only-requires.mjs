import { existsSync, readFileSync } from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import path from 'node:path'

/** What the CommonJS files of a package require that has no CommonJS entry: `[{ file, name }]`. */
export function esmOnlyRequires(folder, files) {
  return files
    .filter((file) => file.endsWith('.cjs'))
    .flatMap((file) => {
      const absolute = path.join(folder, file)
      const required = readFileSync(absolute, 'utf8').matchAll(/\brequire\((['"])([^'"]+)\1\)/g)
      const names = [...new Set(Array.from(required, ([, , name]) => name))]
      const { resolve } = createRequire(absolute)
      return names
        .filter((name) => !isBuiltin(name) && isEsModule(resolve(name)))
        .map((name) => ({ file, name }))
    })
}

function isEsModule(file) {
  if (/\.[cm]js$/.test(file)) return file.endsWith('.mjs')
  let folder = path.dirname(file)
  while (!existsSync(path.join(folder, 'package.json'))) folder = path.dirname(folder)
  return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')).type === 'module'
}
