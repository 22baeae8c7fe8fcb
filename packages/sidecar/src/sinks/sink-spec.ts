/** A file that holds a token. */
export interface SinkSpec {
  readonly source: SourceReference
  /** Absolute, or resolved at once. */
  readonly path: string
  /** Permission bits. */
  readonly mode: number
  /** Owner; another than the process' own needs root. */
  readonly uid?: number | undefined
  readonly gid?: number | undefined
  /** `token`: the token alone. `json`: an object with its expiry. */
  readonly format: 'token' | 'json'
  readonly onChange?: ChangeHook | undefined
}

/** Which token. */
export interface SourceReference {
  readonly kind: 'projected' | 'vault'
  readonly name: string
}

/** What is done after each write, and once after a start whose first look finds the file as it should be. */
export type ChangeHook = CommandHook | SignalHook

/** Starts a program, without a shell. */
export interface CommandHook {
  readonly command: readonly string[]
  /** How long it may take, in milliseconds, before it is ended. @default 30_000 */
  readonly timeoutMs?: number | undefined
}

/** Signals the process whose number is in a file. */
export interface SignalHook {
  readonly signal: NodeJS.Signals
  readonly pidFile: string
}
