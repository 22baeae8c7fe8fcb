/** What measure-rotation.mjs writes, as far as tests look at it; times in seconds. */
export interface MeasuredRotation {
  readonly kubernetes: string
  readonly pods: number
  readonly lifeS: number
  readonly durationS: number
  readonly agesAtRotationS: readonly number[]
  /** The longest time, in milliseconds, from the end of a write until the watcher served the token. */
  readonly servedWithinMs: number
  readonly clients: readonly {
    readonly id: string
    readonly label: string
    readonly requests: number
    readonly expired: number
    readonly refused: number
  }[]
}

export function drawRotation(measured: MeasuredRotation): string
