export function notApplicable(expected: string): string | undefined
export function parseOutcome(expected: string): { name: string; isOptional: boolean }[]
export function phasesOf(labels: string[]): string[]
export function isAsExpected(expected: string, phases: string[]): boolean
export function describePhases(phases: string[]): string
