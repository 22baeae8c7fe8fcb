import type { Clock } from '@projected-token/core'
import type { Child } from './child.js'
import type { SessionLog } from './session-log.js'

/** Tells somebody outside that there is a token, or another one. */
export interface Notifier {
  /** Never two at a time: what happens meanwhile is told once, afterwards. */
  tell(event: 'ready' | 'changed'): void
  close(): Promise<void>
}

export interface NotifierSettings {
  /** Starts the command that tells it. */
  run(event: string): Child
  /** How long it may take to end, at the end, before it is killed. */
  killTimeoutMs: number
  clock: Clock
  log: SessionLog
}

export function createNotifier({ run, killTimeoutMs, clock, log }: NotifierSettings): Notifier {
  let running: Child | undefined
  let isPending = false
  let isClosed = false

  function tell(event: 'ready' | 'changed'): void {
    if (isClosed) return
    if (running) {
      isPending = true
      return
    }
    running = run(event)
    void running.end.then(({ exitCode, error }) => {
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
      const cancelKill = clock.setTimer(() => last.kill('SIGKILL'), killTimeoutMs, { keepAlive: true })
      await last.end
      cancelKill()
    },
  }
}
