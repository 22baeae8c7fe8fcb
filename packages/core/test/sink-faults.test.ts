import { execFile, spawn } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createTokenSink } from '../src/sink.js'
import { AS_NOBODY, IN_NAMESPACE, noNamespaces, noOtherUser } from './support/capabilities.js'
import { buildSinkProgram, makeDirectory } from './support/sink-directory.js'

/** Real disks and real deaths: in processes of their own. */

const run = promisify(execFile)
const KILLS = 40
const BYTES = 200_000

describe('a sink on a disk that is full', () => {
  it('keeps the old content whole, and nothing of the new one stays', { timeout: 60_000 }, async ({
    skip,
  }) => {
    skip(...noNamespaces)
    const directory = await makeDirectory()
    const program = await buildSinkProgram()
    const script = `mount -t tmpfs -o size=64k tmpfs "$0" && printf old > "$0/token" &&
      "$@" && echo && cat "$0/token" && echo && ls -A "$0"`
    const [command = '', ...args] = [...IN_NAMESPACE, 'sh', '-c', script, directory]
    const child = [process.execPath, program, join(directory, 'token'), String(BYTES)]
    const { stdout } = await run(command, [...args, ...child])
    const [result = '', ...rest] = stdout.split('\n')
    expect(JSON.parse(result)).toMatchObject({ code: 'ERR_SINK_FULL', path: join(directory, 'token') })
    expect(rest).toEqual(['old', 'token', ''])
  })
})

describe('a sink in a directory of another user', () => {
  it('names the remedy', { timeout: 60_000 }, async ({ skip }) => {
    skip(...noOtherUser)
    const directory = await makeDirectory()
    const program = await buildSinkProgram()
    const closed = join(directory, 'closed')
    await mkdir(closed)
    await writeFile(join(closed, 'token'), 'old')
    await chmod(directory, 0o755)
    await chmod(closed, process.getuid?.() === 0 ? 0o755 : 0o555)
    await run('chmod', ['-R', 'a+rX', join(program, '..')])
    const [command = '', ...args] = [...AS_NOBODY, process.execPath, program, join(closed, 'token'), '9']
    const { stdout } = await run(command, args)
    expect(JSON.parse(stdout)).toMatchObject({ code: 'ERR_SINK_DENIED' })
    expect(await readFile(join(closed, 'token'), 'utf8')).toBe('old')
    await chmod(closed, 0o755)
  })
})

describe('a sink whose process is killed', () => {
  it(`never holds a part of a content, in ${KILLS} deaths; the next start removes what they left`, {
    timeout: 300_000,
  }, async () => {
    const directory = await makeDirectory()
    const path = join(directory, 'token')
    const program = await buildSinkProgram()
    const leftovers = async () => (await readdir(directory)).filter((name) => name !== 'token')
    let deathsInMidWrite = 0
    for (let death = 0; death < KILLS; death++) {
      const turns = String(Math.floor(Math.random() * 300))
      const child = spawn(process.execPath, [program, path, String(BYTES), turns], { stdio: 'inherit' })
      const signal = await new Promise((resolve) => child.once('exit', (_code, name) => resolve(name)))
      expect(signal).toBe('SIGKILL')
      const content = await readFile(path, 'utf8')
      const [, middle = ''] = /^\d+:(start|(\d)\2*):end$/.exec(content) ?? []
      expect([BYTES, 'start'.length], `a part: ${content.slice(0, 20)}… of ${content.length}`).toContain(
        middle.length,
      )
      // Those of the deaths before have been removed at the start.
      const left = await leftovers()
      expect(left.length).toBeLessThanOrEqual(1)
      deathsInMidWrite += left.length
    }
    expect(deathsInMidWrite).toBeGreaterThan(0)
    await writeFile(join(directory, '.token.0123456789ab.tmp'), 'of the last death')
    const sink = createTokenSink({ path })
    await expect.poll(leftovers, { timeout: 20_000 }).toEqual([])
    await sink.close()
  })
})
