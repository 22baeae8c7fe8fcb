import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { expectNoSecret } from './run-cli.js'

const packages = fileURLToPath(new URL('../../../', import.meta.url))
const source = (file: string) => join(packages, file)

/** The bin as a program of its own, made from the sources: no package has to be built for it. */
export function useBuiltCli(): { readonly path: string } {
  const built = { path: '' }
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'projected-token-cli-build-'))
    await build({
      config: false,
      silent: true,
      entry: [source('cli/src/index.ts')],
      outDir: join(folder, 'dist'),
      format: ['esm'],
      target: 'node20',
      splitting: false,
      noExternal: [/.*/],
      // What is bundled from CommonJS calls require().
      banner: {
        js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
      },
      esbuildOptions(options) {
        options.alias = {
          '@projected-token/core': source('core/src/index.ts'),
          '@projected-token/core/sink': source('core/src/sink.ts'),
          '@projected-token/fetch': source('fetch/src/index.ts'),
          '@projected-token/fetch/undici': source('fetch/src/undici.ts'),
          '@projected-token/testing': source('testing/src/index.ts'),
          '@projected-token/vault': source('vault/src/index.ts'),
        }
      },
    })
    await cp(source('cli/bin'), join(folder, 'bin'), { recursive: true })
    await cp(source('cli/package.json'), join(folder, 'package.json'))
    built.path = join(folder, 'bin/projected-token.js')
  }, 60_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))
  return built
}

/** A process whose output is collected. */
export interface Child {
  readonly process: ChildProcessWithoutNullStreams
  stdout(): string
  stderr(): string
  /** Waits until stdout holds the text; fails when the process ends without it. */
  toPrint(text: string | RegExp): Promise<void>
  /** Exit code, or the name of the signal that killed it. */
  readonly end: Promise<number | string | null>
}

/** Starts a process without any colour setting of the surroundings; it does not outlive the test. */
export function start(command: string, args: string[], env: Record<string, string> = {}): Child {
  const { NO_COLOR, FORCE_COLOR, CI, ...inherited } = process.env
  const child = spawn(command, args, { env: { ...inherited, TERM: 'xterm', ...env }, stdio: 'pipe' })
  onTestFinished(() => void child.kill('SIGKILL'))
  const text = { stdout: '', stderr: '' }
  let onChange = () => {}
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
      onChange()
    })
  }
  let ended = false
  const end = new Promise<number | string | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      ended = true
      onChange()
      expectNoSecret(text.stdout + text.stderr)
      resolve(code ?? signal)
    })
  })
  return {
    process: child,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    end,
    toPrint: (wanted) =>
      new Promise((resolve, reject) => {
        onChange = () => {
          const found = typeof wanted === 'string' ? text.stdout.includes(wanted) : wanted.test(text.stdout)
          if (found) return resolve()
          if (ended) reject(new Error(`ended without printing ${wanted}:\n${text.stdout}${text.stderr}`))
        }
        onChange()
      }),
  }
}
