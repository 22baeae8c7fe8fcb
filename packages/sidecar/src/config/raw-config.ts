import type { ConfigProblem } from './problem.js'

/** Keys and indexes that lead to a value. */
export type ConfigPath = readonly (string | number)[]

/** A configuration that nobody has checked, with the places that its values come from. */
export interface RawConfig {
  readonly value: unknown
  /** The place of a value; of the nearest one around it when there is none. `of: 'key'` for the place of its key. */
  locate(path: ConfigPath, of?: 'key' | 'value'): string
}

/** Takes a problem of the value that a path leads to. */
export type Report = (path: ConfigPath, found: string, expected: string) => void

/** A value of a list, of any shape, and the path that leads to it. */
export interface Item {
  readonly value: unknown
  readonly path: ConfigPath
}

/** A text that could be read, or what is wrong with it. */
export type ReadResult = { readonly raw: RawConfig } | { readonly problems: readonly ConfigProblem[] }

/** The value that a path leads to, through own properties only. */
export function valueAt(value: unknown, path: ConfigPath): unknown {
  let found: unknown = value
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined
    found = (found as Record<string | number, unknown>)[key]
  }
  return found
}

/**
 * Puts configurations above each other: the first that says something about a key wins. Lists count as a whole; of a
 * listener's map each key counts for itself, so that a flag can change the address and leave the mode.
 */
export function mergeRaw(layers: readonly RawConfig[]): RawConfig {
  const broken = layers.find((layer) => !isMap(layer.value))
  if (broken) return broken
  const merged: Record<string, unknown> = {}
  for (const { value } of layers.toReversed() as { value: Record<string, unknown> }[]) {
    for (const [key, own] of Object.entries(value)) {
      const below = Object.hasOwn(merged, key) ? merged[key] : undefined
      const both = isMap(own) && isMap(below) ? { ...below, ...own } : own
      Object.defineProperty(merged, key, {
        value: both,
        enumerable: true,
        writable: true,
        configurable: true,
      })
    }
  }
  const [first] = layers
  return {
    value: merged,
    locate(path, of) {
      const top = path.slice(0, isMap(valueAt(merged, path.slice(0, 1))) ? 2 : 1)
      const owner =
        layers.find((layer) => valueAt(layer.value, top) !== undefined) ??
        layers.find((layer) => valueAt(layer.value, top.slice(0, 1)) !== undefined)
      return (owner ?? first)?.locate(path, of) ?? 'configuration'
    },
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
