export interface Fault {
  name: string
  scenario?: number
}
export const FAULTS: Fault[]
export function faultNamed(name: string): Fault
