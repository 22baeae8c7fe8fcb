/** A component of the cluster: a process with a log, which does not outlive this one. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { StageFailure } from '../../check/support/run-stages.mjs'

const STOP_TIMEOUT_MS = 10_000
const LOG_TAIL = 4_000

/**
 * @param log the file of its output
 * @returns { pid, hasEnded(), tail(), stop() }
 */
export function startProcess(command, args, { log, env = {} }) {
  const output = openSync(log, 'a')
  // Detached: Ctrl-C ends the cluster in order, not all at once. The kernel ends it when nobody is left to do so.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', command, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', output, output],
    detached: true,
  })
  closeSync(output)
  const ended = once(child, 'exit').catch(() => {})
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined
  return {
    pid: child.pid,
    hasEnded,
    tail: () => readFileSync(log, 'utf8').slice(-LOG_TAIL),
    async stop(signal = 'SIGTERM') {
      if (hasEnded()) return
      child.kill(signal)
      const late = new AbortController()
      const wait = delay(STOP_TIMEOUT_MS, 'late', { signal: late.signal }).catch(() => {})
      if ((await Promise.race([ended, wait])) === 'late') child.kill('SIGKILL')
      late.abort()
      await ended
    },
  }
}

/** Asks `condition` until it holds. @returns what it returned; @throws StageFailure when it took too long */
export async function until(condition, { what, timeoutMs = 120_000, intervalMs = 100, giveUp }) {
  let last
  for (const endMs = performance.now() + timeoutMs; performance.now() < endMs; await delay(intervalMs)) {
    try {
      const found = await condition()
      if (found) return found
      last = undefined
    } catch (error) {
      last = error
    }
    const reason = giveUp?.()
    if (reason) throw new StageFailure(`${what}: ${reason}`)
  }
  throw new StageFailure(`${what}: not within ${timeoutMs / 1000} s${last ? ` (${last.message})` : ''}`)
}
