import type { Arbitrary } from 'fast-check'

/** What hostile input is thrown at. */
export interface FuzzTarget {
  /** As `--only` has it. */
  readonly name: string
  /** What is thrown, at what. */
  readonly what: string
  /** Of a thousand cases. */
  readonly share: number
  /** Makes what all cases use: files, servers. `scratch` is a directory of its own. */
  open(scratch: string): Promise<OpenTarget<unknown>>
}

/** A target that is ready. */
export interface OpenTarget<Case> {
  readonly arbitrary: Arbitrary<Case>
  /** Throws when something does not hold. */
  check(input: Case): void | Promise<void>
  close(): Promise<void>
}

/** Keeps the type of a target's cases to the target. */
export function defineTarget<Case>(
  target: Omit<FuzzTarget, 'open'> & { open(scratch: string): Promise<OpenTarget<Case>> },
): FuzzTarget {
  return target as FuzzTarget
}

/** Throws; `what` says what did not hold. */
export function ensure(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`does not hold: ${what}`)
}
