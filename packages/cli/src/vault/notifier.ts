import type { Clock } from '@projected-token/core'
import type { Child } from './child.js'
import type { SessionLog } from './session-log.js'

/** Tells somebody outside that there is a token, or another one. */
export interface Notifier {
  /** Never two at a time: what happens meanwhile is told once, afterwards, and is waited for no longer than the limit. */
  tell(event: 'ready' | 'changed'): void
  close(): Promise<void>
}

export interface NotifierSettings {
  /** Starts the command that tells it. */
  run(event: string): Child
  /** How long it may take to end, once there is more to tell or it is the end, before it is killed. */
  killTimeoutMs: number
  clock: Clock
  log: SessionLog
}

export function createNotifier({ run, killTimeoutMs, clock, log }: NotifierSettings): Notifier {
  let running: Child | undefined
  let isPending = false
  let isClosed = false
  let cancelKill = () => {}

  function killLater(late: Child): void {
    cancelKill()
    const kill = () => {
      log.tell('child-killed', { pid: late.pid, message: 'The --notify line did not end in time' })
      late.kill('SIGKILL')
    }
    cancelKill = clock.setTimer(kill, killTimeoutMs, { keepAlive: true })
  }

  function tell(event: 'ready' | 'changed'): void {
    if (isClosed) return
    if (running) {
      if (!isPending) killLater(running)
      isPending = true
      return
    }
    running = run(event)
    void running.end.then(({ exitCode, error }) => {
      cancelKill()
      running = undefined
      log.tell('notified', { of: event, exitCode, error })
      if (isPending) {
        isPending = false
        tell('changed')
      }
    })
  }

  return {
    tell,
    async close() {
      isClosed = true
      if (!running) return
      const last = running
      last.kill('SIGTERM')
      killLater(last)
      await last.end
    },
  }
}
