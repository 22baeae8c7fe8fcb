import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { onTestFinished } from 'vitest'

/** A process whose output is collected. */
export interface Child {
  readonly process: ChildProcessWithoutNullStreams
  stdout(): string
  stderr(): string
  /** Waits for what is found in stdout, which is looked at whenever there is more of it; fails when the process ends without it. */
  toPrint<Found>(what: string, find: (stdout: string) => Found | undefined): Promise<Found>
  /** Exit code, or the name of the signal that killed it. */
  readonly end: Promise<number | string | null>
}

/** Starts a process with no other environment than this; it does not outlive the test. */
export function startProcess(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Child {
  const child = spawn(command, args, { env, stdio: 'pipe' })
  onTestFinished(() => void child.kill('SIGKILL'))
  const text = { stdout: '', stderr: '' }
  const waiting = new Set<() => void>()
  const changed = () => {
    for (const look of waiting) look()
  }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
      changed()
    })
  }
  let hasEnded = false
  const end = new Promise<number | string | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      hasEnded = true
      changed()
      resolve(code ?? signal)
    })
  })
  return {
    process: child,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    end,
    toPrint: (what, find) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = find(text.stdout)
          if (found === undefined && !hasEnded) return
          waiting.delete(look)
          if (found !== undefined) resolve(found)
          else reject(new Error(`ended without printing ${what}:\n${text.stdout}${text.stderr}`))
        }
        waiting.add(look)
        look()
      }),
  }
}
