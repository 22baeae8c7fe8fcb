import type { Clock, Token } from '@projected-token/core'
import type { TakenSignal } from '../io.js'
import type { Child, ChildEnd } from './child.js'
import type { OnChange } from './on-change.js'
import type { SessionLog } from './session-log.js'

/** Runs one child at a time, for as long as it wants to run. */
export interface Supervisor {
  readonly isRunning: boolean
  /** The end of the last child, which nothing started again. Never rejects. */
  readonly ended: Promise<ChildEnd>
  start(token: Token): void
  /** There is another token in place of the child's. */
  replaceToken(token: Token): void
  /** This process got a signal, which is the child's. */
  handOn(signal: TakenSignal): void
}

export interface SupervisorSettings {
  spawn(token: Token): Child
  onChange: OnChange
  /** How long a child may take to end before it is killed, when it is to be started again. */
  killTimeoutMs: number
  /** Whether the terminal itself has sent a signal of its keyboard to the child too. */
  hasTerminalSent(): boolean
  clock: Clock
  log: SessionLog
}

/** What a terminal sends to all processes of its foreground group, on Ctrl-C and Ctrl-\. */
const OF_KEYBOARD: ReadonlySet<TakenSignal> = new Set(['SIGINT', 'SIGQUIT'])
/** Who asks for the end while a child is about to be started again wants no other one. */
const OF_ENDING: ReadonlySet<TakenSignal> = new Set(['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'])

export function createSupervisor(settings: SupervisorSettings): Supervisor {
  const { spawn, onChange, killTimeoutMs, hasTerminalSent, clock, log } = settings
  let child: Child | undefined
  let isEnding = false
  /** The token to start again with, once the child has ended. */
  let next: Token | undefined
  let cancelKill = () => {}
  let resolveEnded: (end: ChildEnd) => void = () => {}
  const ended = new Promise<ChildEnd>((resolve) => {
    resolveEnded = resolve
  })

  function start(token: Token): void {
    const started = spawn(token)
    child = started
    if (started.pid !== undefined) log.tell('child-started', { pid: started.pid })
    void started.end.then((end) => {
      cancelKill()
      child = undefined
      log.tell('child-ended', { exitCode: end.exitCode, signal: end.signal, error: end.error })
      const restartsWith = isEnding ? undefined : next
      next = undefined
      if (restartsWith) start(restartsWith)
      else resolveEnded(end)
    })
  }

  function restart(token: Token, running: Child): void {
    if (isEnding) return
    const isUnderWay = next !== undefined
    next = token
    if (isUnderWay) return
    log.tell('child-restarting', { pid: running.pid })
    running.kill('SIGTERM')
    const kill = () => {
      log.tell('child-killed', { pid: running.pid, message: 'It did not end in time' })
      running.kill('SIGKILL')
    }
    cancelKill = clock.setTimer(kill, killTimeoutMs, { keepAlive: true })
  }

  return {
    get isRunning() {
      return child !== undefined
    },
    ended,
    start,
    replaceToken(token) {
      if (!child) return
      if (onChange.action === 'restart') return void restart(token, child)
      if (onChange.action === 'none') {
        const message = 'The command still has the VAULT_TOKEN before; see --on-change'
        return log.tell('token-replaced', { message })
      }
      log.tell('child-signalled', { pid: child.pid, signal: onChange.signal })
      child.kill(onChange.signal)
    },
    handOn(signal) {
      if (signal === 'SIGTERM' || (next && OF_ENDING.has(signal))) isEnding = true
      if (OF_KEYBOARD.has(signal) && hasTerminalSent()) return
      child?.kill(signal)
    },
  }
}
