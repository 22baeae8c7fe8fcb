import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'
import { afterAll, beforeAll, onTestFinished } from 'vitest'

const packages = fileURLToPath(new URL('../../../', import.meta.url))
const source = (file: string) => join(packages, file)

/** The packages whose sources are built into one. */
const BUNDLED = ['core', 'fetch', 'vault', 'sidecar']

/** The bin as a program of its own, made from the sources: no package has to be built for it. */
export function useBuiltSidecar(): { readonly path: string } {
  const built = { path: '' }
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'projected-token-sidecar-build-'))
    await build({
      config: false,
      silent: true,
      entry: [source('sidecar/src/main.ts')],
      outDir: join(folder, 'dist'),
      format: ['esm'],
      target: 'node20',
      splitting: true,
      noExternal: [/^@projected-token\//],
      external: [/^(?!@projected-token\/)[@a-z]/],
      esbuildOptions(options) {
        options.alias = {
          '@projected-token/core': source('core/src/index.ts'),
          '@projected-token/core/sink': source('core/src/sink.ts'),
          '@projected-token/fetch': source('fetch/src/index.ts'),
          '@projected-token/fetch/undici': source('fetch/src/undici.ts'),
          '@projected-token/vault': source('vault/src/index.ts'),
        }
      },
    })
    await cp(source('sidecar/bin'), join(folder, 'bin'), { recursive: true })
    await cp(source('sidecar/package.json'), join(folder, 'package.json'))
    await linkDependencies(join(folder, 'node_modules'))
    built.path = join(folder, 'bin/projected-token-sidecar.js')
  }, 120_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))
  return built
}

/** As an installation would have them: the same modules that users get, loaded in the same way. */
async function linkDependencies(folder: string): Promise<void> {
  for (const name of BUNDLED) {
    const { dependencies } = JSON.parse(await readFile(source(`${name}/package.json`), 'utf8'))
    for (const dependency of Object.keys(dependencies)) {
      if (dependency.startsWith('@projected-token/')) continue
      const places = [source(`${name}/node_modules/${dependency}`), source(`../node_modules/${dependency}`)]
      const place = places.find((one) => existsSync(one))
      const link = join(folder, dependency)
      if (place === undefined || existsSync(link)) continue
      await mkdir(dirname(link), { recursive: true })
      await symlink(place, link, 'dir')
    }
  }
}

/** A process whose output is collected. */
export interface Child {
  readonly process: ChildProcessWithoutNullStreams
  stdout(): string
  stderr(): string
  /** The first log line with this message, when there is one. */
  logLine(message: string): Promise<Record<string, unknown>>
  /** Exit code, or the name of the signal that killed it. */
  readonly end: Promise<number | string | null>
}

/** Starts a process; it does not outlive the test. */
export function startChild(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  nodeFlags: readonly string[] = [],
): Child {
  const own = Object.entries(process.env).filter(([name]) => !/^(?:PROJECTED_TOKEN|VAULT|BAO)_/.test(name))
  const child = spawn(process.execPath, [...nodeFlags, ...args], {
    env: { ...Object.fromEntries(own), ...env },
    stdio: 'pipe',
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const text = { stdout: '', stderr: '' }
  const waiting = new Set<() => void>()
  const changed = () => {
    for (const check of waiting) check()
  }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
      changed()
    })
  }
  let ended = false
  const end = new Promise<number | string | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      ended = true
      changed()
      resolve(code ?? signal)
    })
  })
  const linesOf = () =>
    text.stdout
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
  return {
    process: child,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    end,
    logLine: (message) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const found = linesOf()
            .map((line): Record<string, unknown> => JSON.parse(line))
            .find(({ msg }) => msg === message)
          if (!found && !ended) return
          waiting.delete(check)
          if (found) resolve(found)
          else reject(new Error(`ended without '${message}':\n${text.stdout}${text.stderr}`))
        }
        waiting.add(check)
        check()
      }),
  }
}
