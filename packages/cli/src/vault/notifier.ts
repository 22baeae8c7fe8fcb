import type { Child } from './child.js'
import type { SessionLog } from './session-log.js'

/** Tells somebody outside that there is a token, or another one. */
export interface Notifier {
  /** Never two at a time: what happens meanwhile is told once, afterwards. */
  tell(event: 'ready' | 'changed'): void
  close(): Promise<void>
}

/** @param run starts the command that tells it */
export function createNotifier(run: (event: string) => Child, log: SessionLog): Notifier {
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
      running?.kill('SIGTERM')
      await running?.end
    },
  }
}
