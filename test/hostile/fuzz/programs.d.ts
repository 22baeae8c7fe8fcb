/** What the bundle makes of the programs' sources. */
declare module 'program:cli' {
  interface Output {
    write(text: string): void
    readonly isTTY: boolean
    readonly columns: number | undefined
  }
  export function run(
    argv: readonly string[],
    io: {
      readonly stdout: Output
      readonly stderr: Output
      readonly env: Readonly<Record<string, string | undefined>>
      readonly clock: import('@projected-token/core').Clock
      readonly signal: AbortSignal
      takeSignals(listener: (signal: string) => void): () => void
    },
  ): Promise<number>
}

declare module 'program:sidecar' {
  export function prepare(
    argv: readonly string[],
    io: {
      readonly env: Readonly<Record<string, string | undefined>>
      readonly columns: number
      stdout(text: string): void
      stderr(text: string): void
    },
  ): Promise<{ readonly config: unknown } | { readonly exitCode: number }>
}
