export const ADAPTERS: string[]
export const PEERS: string[]
/** By the fault's name, then by adapter. */
export const EXPECTATIONS: Record<string, Record<string, string>>
export const KNOWN_GAPS: Record<string, Record<string, string>>
export function expectedOf(fault: string, adapter: string): string
