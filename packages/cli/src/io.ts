import type { Clock } from '@projected-token/core'

/** Where text goes. */
export interface Output {
  write(text: string): void
  readonly isTTY: boolean
  /** Width of the terminal. */
  readonly columns: number | undefined
}

/** Why a command has to end early: Ctrl-C, the system, or a reader of stdout that has gone (`| head`). */
export type Interruption = 'SIGINT' | 'SIGTERM' | 'EPIPE'

/** All that a command may touch of the process; a test gives its own. */
export interface CliIo {
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  /** Aborts, with an {@link Interruption} as the reason, when the command has to clean up and end. */
  readonly signal: AbortSignal
}
