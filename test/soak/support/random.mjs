/** Mulberry32: the same choices for the same seed. @returns a function that gives 0 or more, less than 1 */
export function createRandom(seed) {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** One of `values`. */
export const choose = (random, values) => values[Math.floor(random() * values.length)]

/** A whole number from `min` to `max`. */
export const between = (random, min, max) => min + Math.floor(random() * (max - min + 1))
