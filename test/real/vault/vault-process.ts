/** One `vault server` process after another, on the same configuration; none of them outlives this process. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'

const startedLine = '==> Vault server started!'
const logLength = 65_536
const stateIntervalMs = 2

/**
 * Vault reads nothing from its standard input, and a stopped one hears no signal but SIGKILL: so a shell waits for the
 * end of its own input, which comes with close() or with the end of this process, however that ended. Each line names
 * the process group that must not stay, or none.
 */
const watchdogScript = `
group=
while read -r line; do group=$line; done
[ -z "$group" ] || kill -s KILL -- "-$group" 2>/dev/null
rm -rf "$1"
`

export interface VaultProcessOptions {
  binary: string
  configPath: string
  /** Home and temporary directory of the process; removed at the end. */
  directory: string
  /** Milliseconds until its listener must answer. */
  readyTimeoutMs: number
}

export interface VaultProcess extends VaultProcessOptions {
  /** Of the last process started. */
  readonly pid: number
  readonly running: boolean
  /** The end of what the processes wrote. */
  log(): string
  start(): Promise<void>
  /** Resolves once no thread of it runs. */
  stop(): Promise<void>
  cont(): void
  kill(): Promise<void>
  /** Kills it and removes the directory. */
  close(): Promise<void>
}

export function createVaultProcess(options: VaultProcessOptions): VaultProcess {
  const { binary, configPath, directory, readyTimeoutMs } = options
  const watchdog = spawn('sh', ['-c', watchdogScript, 'sh', directory], {
    // A session of its own: Ctrl-C in a terminal is not for it.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  watchdog.stdin.on('error', () => {})
  let child: ChildProcessByStdio<null, Readable, Readable> | undefined
  let log = ''

  const isRunning = () => child !== undefined && child.exitCode === null && child.signalCode === null
  // The group, because the plugins are processes too and do not notice that Vault was killed.
  const signalGroup = (pid: number, signal: NodeJS.Signals) => {
    try {
      process.kill(-pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  const vaultProcess: VaultProcess = {
    ...options,
    get pid() {
      return child?.pid ?? 0
    },
    get running() {
      return isRunning()
    },
    log: () => log,
    async start() {
      const started = spawn(binary, ['server', `-config=${configPath}`], {
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...withoutVaultVariables(), HOME: directory, TMPDIR: directory },
      })
      child = started
      const { pid } = started
      if (pid !== undefined) {
        watchdog.stdin.write(`${pid}\n`)
        started.once('exit', () => {
          signalGroup(pid, 'SIGKILL')
          watchdog.stdin.write('\n')
        })
      }
      for (const stream of [started.stdout, started.stderr]) {
        stream.setEncoding('utf8').on('data', (chunk: string) => {
          log = (log + chunk).slice(-logLength)
        })
      }
      try {
        await untilStarted(started, readyTimeoutMs)
      } catch (cause) {
        await vaultProcess.kill()
        throw new Error(`vault did not start: ${(cause as Error).message}\n${log}`, { cause })
      }
    },
    async stop() {
      signalGroup(vaultProcess.pid, 'SIGSTOP')
      while (!(await isStopped(vaultProcess.pid))) await delay(stateIntervalMs)
    },
    cont: () => signalGroup(vaultProcess.pid, 'SIGCONT'),
    async kill() {
      if (child?.pid === undefined || !isRunning()) return
      const ended = once(child, 'exit')
      signalGroup(child.pid, 'SIGKILL')
      await ended
    },
    async close() {
      await vaultProcess.kill()
      if (watchdog.exitCode !== null || watchdog.signalCode !== null) return
      const ended = once(watchdog, 'exit')
      watchdog.stdin.end()
      await ended
    },
  }
  return vaultProcess
}

function withoutVaultVariables(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VAULT|BAO)_/.test(name)))
}

async function untilStarted(child: ChildProcessByStdio<null, Readable, Readable>, timeoutMs: number) {
  const abort = new AbortController()
  const { signal } = abort
  const lines = createInterface({ input: child.stdout })
  try {
    await Promise.race([
      new Promise<void>((resolve) => {
        lines.on('line', (line) => line.startsWith(startedLine) && resolve())
      }),
      once(child, 'close', { signal }).then(([code, killedBy]) => {
        throw new Error(`it ended (${killedBy ?? code})`)
      }),
      delay(timeoutMs, undefined, { signal }).then(() => {
        throw new Error(`its listener was not ready within ${timeoutMs} ms`)
      }),
    ])
  } finally {
    abort.abort()
    lines.removeAllListeners('line')
  }
}

/** A signal is only sent when kill() returns: a thread on another core may still finish an answer. */
async function isStopped(pid: number): Promise<boolean> {
  if (process.platform !== 'linux') return true
  const tasks = await readdir(`/proc/${pid}/task`)
  const states = await Promise.all(
    tasks.map(async (task) => {
      const stat = await readFile(`/proc/${pid}/task/${task}/stat`, 'latin1').catch(() => ') T')
      return stat.charAt(stat.lastIndexOf(')') + 2)
    }),
  )
  return states.every((state) => state === 'T')
}
