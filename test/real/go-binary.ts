/** Builds a Go program once, into a cache that outlives the checkout, and finds it again. */
import { execFile, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { access, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'

const progressIntervalMs = 30_000
const stderrTailLength = 4_096

export interface GoBuild {
  /** Begins the name in the cache and each line of progress. */
  name: string
  /** Where go.mod is; every Go source beside it decides the cache's key. */
  sourceDirectory: string
  /** Whose code it is, for messages: "Kubernetes' packages". */
  sources: string
  /** Arguments of one or more runs of go, which make `target`, a file or a directory. */
  commands: (target: string) => string[][]
  env?: Record<string, string>
}

/** Resolves to the path of what was built, now or earlier from the same sources. */
export async function buildGo(options: GoBuild): Promise<string> {
  const { PROJECTED_TOKEN_CACHE, XDG_CACHE_HOME } = process.env
  const cacheDirectory =
    PROJECTED_TOKEN_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'projected-token')
  const goVersion = await checkGo(options)
  const target = join(cacheDirectory, `${options.name}-${await hashSources(options, goVersion)}`)
  if (await exists(target)) return target

  await mkdir(cacheDirectory, { recursive: true })
  // Built under another name and renamed: whoever finds it finds all of it, however many build at once.
  const unfinished = join(cacheDirectory, `.${options.name}-${process.pid}-${randomBytes(4).toString('hex')}`)
  const progress = (message: string) => process.stderr.write(`${options.name}: ${message}\n`)
  const startedAt = performance.now()
  const elapsed = () => `${Math.round((performance.now() - startedAt) / 1000)} s`
  progress(`building ${target} from ${options.sources} with ${goVersion}; a first build takes minutes`)
  const ticker = setInterval(() => progress(`still building, ${elapsed()}`), progressIntervalMs)
  try {
    for (const args of options.commands(unfinished)) await runGo(args, options)
    await rename(unfinished, target).catch(async (error: unknown) => {
      // A directory, unlike a file, is not renamed over the one that another process has just finished.
      if (!(await exists(target))) throw error
    })
  } finally {
    clearInterval(ticker)
    await rm(unfinished, { force: true, recursive: true })
  }
  progress(`built in ${elapsed()}`)
  return target
}

async function runGo(args: string[], { sourceDirectory, env }: GoBuild): Promise<void> {
  const go = spawn('go', args, {
    cwd: sourceDirectory,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const [stderr, [code]] = await Promise.all([text(go.stderr), once(go, 'close')])
  if (code !== 0) {
    throw new Error(`go ${args[0]} failed in ${sourceDirectory}:\n${stderr.slice(-stderrTailLength)}`)
  }
}

/** Resolves to what `go version` says. Go is asked where it would build, since go.mod may name another toolchain. */
async function checkGo({ sourceDirectory, sources }: GoBuild): Promise<string> {
  const [, needed = ''] =
    /^go (\d+\.\d+)/m.exec(await readFile(join(sourceDirectory, 'go.mod'), 'utf8')) ?? []
  let version: string
  try {
    const { stdout } = await promisify(execFile)('go', ['version'], { cwd: sourceDirectory })
    version = stdout.trim()
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    const problem = missing ? 'there is no go on PATH' : 'go version failed'
    throw new Error(`${sources} need Go ${needed} or newer, but ${problem}`, { cause })
  }
  const [, found = ''] = /\bgo(\d+\.\d+)/.exec(version) ?? []
  // A development build ("devel ...") has no number to judge by.
  if (found !== '' && found.localeCompare(needed, 'en', { numeric: true }) < 0) {
    throw new Error(`${sources} need Go ${needed} or newer, but this is ${version}`)
  }
  return version
}

async function hashSources(
  { sourceDirectory, commands, env = {} }: GoBuild,
  goVersion: string,
): Promise<string> {
  const hash = createHash('sha256').update(`${goVersion} ${process.platform} ${process.arch}`)
  hash.update(JSON.stringify([commands(''), env]))
  const files = (await readdir(sourceDirectory)).filter(
    (name) => /\.go$|^go\.(mod|sum)$/.test(name) && !name.endsWith('_test.go'),
  )
  for (const name of files.sort()) {
    const content = await readFile(join(sourceDirectory, name))
    hash.update(`\0${name}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex').slice(0, 16)
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
