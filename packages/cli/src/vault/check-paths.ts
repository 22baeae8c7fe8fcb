import { resolve } from 'node:path'
import { InvalidArgumentError } from 'commander'
import type { SessionOptions } from './session-options.js'

/**
 * Checks that nothing is written over another thing's file, however the paths are spelled. It touches no file. Pure.
 *
 * @throws InvalidArgumentError naming both options
 */
export function checkPaths(
  { tokenPath, sink: sinks = [] }: Pick<SessionOptions, 'tokenPath' | 'sink'>,
  readyFile: string | undefined,
): void {
  const taken = new Map([[resolve(tokenPath), '--token-path']])
  const take = (path: string, option: string) => {
    const other = taken.get(resolve(path))
    if (other !== undefined) {
      throw new InvalidArgumentError(`'${path}' is given for ${other} and for ${option}: one file each.`)
    }
    taken.set(resolve(path), option)
  }
  for (const { path } of sinks) take(path, '--sink')
  if (readyFile !== undefined) take(readyFile, '--ready-file')
}
