/** `node test/hostile/supply-chain/licences.mjs [--write]`: the licences of everything that our packages install. */
import { readFile, writeFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { productionDependencies } from './production.mjs'

export const LICENCES_FILE = new URL('../licences.md', import.meta.url)

/** SPDX identifiers, and why a program under Apache-2.0 may be given away with code under them. */
export const ALLOWED = {
  '0BSD': 'asks for nothing',
  'Apache-2.0': 'our own; keep notices',
  'BlueOak-1.0.0': 'permissive, with a patent grant; keep the text or a link to it',
  'BSD-2-Clause': 'permissive; keep the notice',
  'BSD-3-Clause': 'permissive; keep the notice, and do not advertise with the names of its authors',
  ISC: 'permissive; keep the notice',
  MIT: 'permissive; keep the notice',
}

/** Whether one of the licences of an SPDX expression without exceptions may be chosen, or all that go together may. */
export function isAllowed(expression) {
  const text = expression.trim().replace(/^\((.*)\)$/, '$1')
  if (/[()]/.test(text)) return false
  return text
    .split(/ OR /)
    .some((choice) => choice.split(/ AND /).every((one) => Object.hasOwn(ALLOWED, one.trim())))
}

/** The committed file, as it should be. */
export async function licencesText() {
  const dependencies = await productionDependencies()
  const users = new Map()
  for (const { name, version, licence, neededBy } of dependencies) {
    const key = [name, version, licence].join('\n')
    const short = neededBy.map((one) => one.replace('@projected-token/', ''))
    users.set(key, [...(users.get(key) ?? []), ...short])
  }
  const rows = [...users].map(([key, names]) => [...key.split('\n'), [...new Set(names)].sort().join(', ')])
  const used = [...new Set(dependencies.map(({ licence }) => licence))].sort()
  return `# Licences

What is installed with our packages, by \`package-lock.json\` and each package's own \`package.json\`. Written by
\`node test/hostile/supply-chain/licences.mjs --write\`; a test compares it with what is installed. Peer dependencies
are the user's own choice, and not followed.

## Allowed

${table(
  ['licence', 'why', 'packages'],
  Object.entries(ALLOWED).map(([id, why]) => [
    id,
    why,
    String(rows.filter(([, , licence]) => licence === id).length),
  ]),
)}

Others among the dependencies: ${used.filter((one) => !Object.hasOwn(ALLOWED, one)).join(', ') || 'none'}.

## Dependencies

${table(['package', 'version', 'licence', 'needed by'], rows)}
`
}

function table(head, rows) {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column].length)))
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join(
    '\n',
  )
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const text = await licencesText()
  if (process.argv.includes('--write')) await writeFile(LICENCES_FILE, text)
  const isCurrent = (await readFile(LICENCES_FILE, 'utf8').catch(() => '')) === text
  const refused = (await productionDependencies()).filter(({ licence }) => !isAllowed(licence))
  for (const { name, version, licence } of refused) console.log(`not allowed: ${name} ${version}: ${licence}`)
  console.log(isCurrent ? 'test/hostile/licences.md is current' : 'test/hostile/licences.md is old: --write')
  process.exitCode = isCurrent && refused.length === 0 ? 0 : 1
}
