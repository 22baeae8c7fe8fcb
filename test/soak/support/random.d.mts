export function createRandom(seed: number): () => number
export function choose<T>(random: () => number, values: readonly T[]): T
export function between(random: () => number, min: number, max: number): number
