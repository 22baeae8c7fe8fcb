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

/** A signal that a command may take into its own hands: to hand it on, for example. */
export type TakenSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGQUIT' | 'SIGUSR1' | 'SIGUSR2'

/** All that a command may touch of the process; a test gives its own. */
export interface CliIo {
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  /** Aborts, with an {@link Interruption} as the reason, when the command has to clean up and end. */
  readonly signal: AbortSignal
  /**
   * From now on signals go to the listener, and interrupt nothing; that a reader has gone does not either.
   *
   * @returns a function that gives them back
   */
  takeSignals(listener: (signal: TakenSignal) => void): () => void
}

/** What a command gets: its outputs show no token. */
export interface CommandIo extends CliIo {
  /** Writes to stdout what somebody asked for and what holds this one token. Every other one is still hidden. */
  disclose(text: string, token: string): void
}
