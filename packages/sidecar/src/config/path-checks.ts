import { resolve } from 'node:path'
import { DEFAULT_TOKEN_PATH } from '@projected-token/core'
import type { ListenerItem } from './listener-checks.js'
import { formatPath } from './problem.js'
import { type Item, type Report, valueAt } from './raw-config.js'

/** What names files. */
export interface PathItems {
  readonly tokens: readonly Item[]
  readonly sinks: readonly Item[]
  readonly listeners: readonly ListenerItem[]
  /** The file that the configuration was read from. */
  readonly configFile: string | undefined
}

/** Checks that nothing is put over another thing's file, however the two paths are spelled. It touches no file. */
export function checkPaths({ tokens, sinks, listeners, configFile }: PathItems, report: Report): void {
  const taken = new Map<string, string>()
  const take = (path: unknown, name: string) => {
    if (typeof path === 'string') taken.set(resolve(path), name)
  }
  if (tokens.length === 0) take(DEFAULT_TOKEN_PATH, 'another token or sink')
  for (const { value } of tokens) take(valueAt(value, ['path']), 'another token or sink')
  if (configFile !== undefined) take(configFile, 'this configuration')
  for (const { address, path } of listeners) {
    if (address.kind !== 'unix') continue
    const owner = taken.get(resolve(address.path))
    if (owner !== undefined) report(path, `the path of ${owner}`, 'a path of its own')
  }
  for (const { address, path } of listeners) {
    if (address.kind === 'unix') take(address.path, formatPath(path))
  }
  for (const { value, path } of sinks) {
    const file = valueAt(value, ['path'])
    if (typeof file !== 'string') continue
    const owner = taken.get(resolve(file))
    if (owner !== undefined) report([...path, 'path'], `the path of ${owner}`, 'a path of its own')
    take(file, 'another token or sink')
  }
}
