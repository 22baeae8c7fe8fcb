import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest'
import { bundle } from '../fuzz/bundle.mjs'

const source = (path: string) => fileURLToPath(new URL(`../../../packages/${path}`, import.meta.url))

/** A directory of the test's own. Its name is short: paths of sockets must be. */
export async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'ptc-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** A program of the sources: no package has to be built for it. */
export function useProgram(folderOfPackage: 'cli' | 'sidecar'): { readonly path: string } {
  const program = { path: '' }
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'projected-token-canary-'))
    await mkdir(join(folder, 'bin'))
    await bundle(source(`${folderOfPackage}/src/main.ts`), join(folder, 'dist/main.mjs'))
    await writeFile(join(folder, 'package.json'), '{"version":"0.0.0","type":"module"}')
    program.path = join(folder, 'bin/program.mjs')
    await writeFile(program.path, "import { main } from '../dist/main.mjs'\nawait main()\n")
  }, 300_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))
  return program
}

/** A process and what it has written. */
export interface Running {
  readonly child: ChildProcess
  output(): string
  /** Waits until the output holds a text; fails when the process ends without it. */
  toWrite(text: string | RegExp): Promise<void>
  readonly end: Promise<number | string | null>
}

/** Starts a program; it does not outlive the test. */
export function start(
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(?:PROJECTED_TOKEN|VAULT|BAO|NODE_)/.test(name),
  )
  const child = spawn(process.execPath, [path, ...args], {
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  let ended = false
  const waiting = new Set<() => void>()
  const changed = () => {
    for (const look of [...waiting]) look()
  }
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
      changed()
    })
  }
  const end = new Promise<number | string | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      ended = true
      changed()
      resolve(code ?? signal)
    })
  })
  return {
    child,
    output: () => output,
    end,
    toWrite: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = typeof text === 'string' ? output.includes(text) : text.test(output)
          if (!found && !ended) return
          waiting.delete(look)
          if (found) resolve()
          else reject(new Error(`ended without writing ${text}`))
        }
        waiting.add(look)
        look()
      }),
  }
}

/** Runs a program to its end. */
export async function run(path: string, args: readonly string[], env?: Readonly<Record<string, string>>) {
  const running = start(path, args, env)
  const exitCode = await running.end
  expect(typeof exitCode, running.output()).toBe('number')
  return { exitCode, output: running.output() }
}
