import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'

const DOCKERFILE = new URL('Dockerfile', import.meta.url)

it('leaves licences in the image, and neither prose nor declarations', async () => {
  const [cleaning = ''] =
    /find node_modules packages .*?-delete/s.exec(await readFile(DOCKERFILE, 'utf8')) ?? []
  const cwd = await mkdtemp(path.join(tmpdir(), 'image-'))
  onTestFinished(() => rm(cwd, { recursive: true }))
  const folder = path.join(cwd, 'node_modules', 'jose')
  await Promise.all([mkdir(folder, { recursive: true }), mkdir(path.join(cwd, 'packages'))])
  for (const name of ['LICENSE.md', 'license.md', 'README.md', 'index.d.ts', 'index.js']) {
    await writeFile(path.join(folder, name), '')
  }
  await promisify(execFile)('sh', ['-c', cleaning], { cwd })
  expect((await readdir(folder)).sort()).toEqual(['LICENSE.md', 'index.js', 'license.md'])
})
