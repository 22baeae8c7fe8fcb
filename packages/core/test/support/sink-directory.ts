import { execFileSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { onTestFinished } from 'vitest'

export async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'projected-token-sink-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** Builds the program that writes a sink in a process of its own. */
export async function buildSinkProgram(): Promise<string> {
  const outfile = join(await makeDirectory(), 'program.mjs')
  await build({
    entryPoints: [fileURLToPath(new URL('./sink-program.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)",
    },
  })
  return outfile
}

/**
 * Lets no file operation of this process go on, as a disk that hangs: whoever opens a FIFO waits for its writer, and
 * keeps a thread of the pool that all file operations need.
 *
 * @returns what lets them go on
 */
export async function hangDisk(): Promise<() => Promise<void>> {
  const fifo = join(await makeDirectory(), 'fifo')
  execFileSync('mkfifo', [fifo])
  const threads = Number(process.env.UV_THREADPOOL_SIZE ?? 4)
  const readers = Array.from({ length: threads }, () => open(fifo, 'r'))
  let isHanging = true
  const goOn = async () => {
    if (!isHanging) return
    isHanging = false
    // On this thread: it needs none of the pool.
    const writer = openSync(fifo, 'w')
    for (const reader of await Promise.all(readers)) await reader.close()
    closeSync(writer)
  }
  onTestFinished(goOn)
  return goOn
}
