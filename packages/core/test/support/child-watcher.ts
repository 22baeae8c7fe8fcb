import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { TokenWatcherOptions, TokenWatcherStatus } from '../../src/index.js'

/** A watcher in a process of its own: another user, other limits, other mounts, stopped by a signal. */
export interface ChildWatcher {
  readonly pid: number
  /** What `getToken()` gave: the token, or the error. */
  getToken(): Promise<{ token?: string; code?: string; message?: string }>
  status(): Promise<TokenWatcherStatus>
  /** Runs a command inside the child's namespaces, as its user. */
  run(command: string, ...args: string[]): Promise<void>
  /** Makes the watch silently dead: its inotify instance is exchanged for something that never has an event. */
  killInotify(): Promise<void>
  /** Waits for an event that fulfils the condition, among those that came and those to come. */
  event(name: string, condition?: (payload: never) => boolean): Promise<unknown>
  events(): { name: string; payload: unknown }[]
  close(): Promise<void>
}

const program = fileURLToPath(new URL('./child-watcher-program.ts', import.meta.url))

/** @param wrapper a command that runs the rest of its arguments, such as `['setpriv', '--reuid', '65534', …]`. */
export async function startChildWatcher(
  options: TokenWatcherOptions,
  wrapper: string[] = [],
): Promise<ChildWatcher> {
  const directory = mkdtempSync(join(tmpdir(), 'projected-token-child-'))
  const outfile = join(directory, 'child.mjs')
  const banner = {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)",
  }
  await build({
    entryPoints: [program],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    banner,
  })
  execFileSync('chmod', ['-R', 'a+rX', directory])
  const [command = '', ...args] = [...wrapper, process.execPath, outfile, JSON.stringify(options)]
  const child: ChildProcess = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })

  const events: { name: string; payload: unknown }[] = []
  const answers: ((value: never) => void)[] = []
  let wake = () => {}
  let pid = 0
  const ready = new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the child watcher ended with ${code}`)))
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const message = JSON.parse(line)
      if (message.pid) {
        pid = message.pid
        resolve()
      } else if (message.event) {
        events.push({ name: message.event, payload: message.payload })
        wake()
      } else {
        answers.shift()?.(message.answer as never)
      }
    })
  })
  const ask = <T>(request: unknown) =>
    new Promise<T>((resolve) => {
      answers.push(resolve as (value: never) => void)
      child.stdin?.write(`${JSON.stringify(request)}\n`)
    })
  await ready
  return {
    pid,
    getToken: () => ask({ call: 'getToken' }),
    status: () => ask({ call: 'status' }),
    async run(file, ...fileArgs) {
      const failure = await ask<string | null>({ call: 'run', file, args: fileArgs })
      if (failure) throw new Error(failure)
    },
    killInotify: () => ask({ call: 'killInotify' }),
    async event(name, condition = () => true) {
      for (;;) {
        const found = events.find((event) => event.name === name && condition(event.payload as never))
        if (found) return found.payload
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    events: () => events,
    async close() {
      child.removeAllListeners('exit')
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((resolve) => child.once('exit', resolve))
        child.stdin?.end()
        await ended
      }
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
