export interface Mismatch {
  name: string
  expected: string
  found: unknown
}
export function mismatches(expected: object, measured: object): Mismatch[]
