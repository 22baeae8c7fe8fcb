/** What `npm publish` would send: judged as tarballs, by this file, publint and attw. */
import { readFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { runTool } from './support/commands.mjs'
import { esmOnlyRequires } from './support/esm-only-requires.mjs'
import { inParallel } from './support/in-parallel.mjs'
import { packAll } from './support/pack.mjs'
import { StageFailure } from './support/run-stages.mjs'
import { root } from './support/workspace.mjs'

const EXPECTED_FILES =
  /^(dist\/[\w./-]+\.(js|cjs|d\.ts|d\.cts)|bin\/[\w-]+\.js|README\.md|LICENSE|package\.json)$/
const REQUIRED_FILES = ['README.md', 'LICENSE', 'package.json']
/** npm runs these on the machine of whoever installs. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall']

export const packaging = {
  name: 'packaging',
  about: 'npm pack: contents, publint, attw',
  needs: ['build'],
  async run({ note }) {
    const packages = await packAll()
    const problems = await inParallel(packages, 2, async (each) => {
      const found = [...(await checkContents(each)), ...(await lintPackage(each)), ...(await lintTypes(each))]
      return found.map((problem) => `${each.manifest.name}: ${problem}`)
    })
    for (const { manifest, files } of packages)
      note(`${manifest.name} ${manifest.version}: ${files.length} files`)
    if (problems.flat().length > 0) throw new StageFailure(problems.flat().join('\n'))
  },
}

async function checkContents({ folder, manifest, files }) {
  const unexpected = files
    .filter((file) => !EXPECTED_FILES.test(file))
    .map((file) => `does not belong: ${file}`)
  const missing = REQUIRED_FILES.filter((file) => !files.includes(file)).map((file) => `lacks ${file}`)
  const scripts = INSTALL_SCRIPTS.filter((script) => manifest.scripts?.[script])
  const texts = await Promise.all(files.map((file) => readFile(path.join(folder, file), 'utf8')))
  const leaks = files.filter((_, index) => namesThisMachine(texts[index]))
  const license = texts[files.indexOf('LICENSE')]
  const esmOnly = esmOnlyRequires(folder, files)
  const isOurs = license === undefined || license === (await readFile(path.join(root, 'LICENSE'), 'utf8'))
  return [
    ...unexpected,
    ...missing,
    ...scripts.map((script) => `has the install script '${script}'`),
    ...leaks.map((file) => `${file} holds a path of the machine that built it`),
    // Node can require() ES modules since 20.19; jest's module loader, for one, cannot.
    ...esmOnly.map(({ file, name }) => `${file} requires ${name}, which is ESM only`),
    ...(isOurs ? [] : ['its LICENSE differs from the LICENSE of the workspace']),
  ]
}

const namesThisMachine = (text) => text.includes(root) || text.includes(os.homedir() + path.sep)

async function lintPackage({ manifest, tarball }) {
  const { buffer, byteOffset, byteLength } = await readFile(tarball)
  const archive = buffer.slice(byteOffset, byteOffset + byteLength)
  const { messages } = await publint({ pack: { tarball: archive }, strict: true })
  return messages.map((message) => `publint: ${formatMessage(message, manifest, { color: false })}`)
}

/** node16: TypeScript's resolution before package.json had `exports` is left out; esm-only: that of CommonJS too. */
async function lintTypes({ entries, tarball }) {
  if (entries.length === 0) return []
  const profile = entries.some(({ isEsmOnly }) => isEsmOnly) ? 'esm-only' : 'node16'
  const args = [tarball, '--profile', profile, '--format', 'ascii', '--no-color', '--no-emoji']
  try {
    await runTool('@arethetypeswrong/cli', args, {}, 'attw')
    return []
  } catch (error) {
    return [`attw: ${error.message}`]
  }
}
