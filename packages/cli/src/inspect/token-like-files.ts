import { join } from 'node:path'
import { parseToken, readTokenFile } from '@projected-token/core'
import { listDirectory } from '../files.js'
import type { DirectoryFacts } from './inspection.js'

const MAX_FILES = 100
const MAX_BYTES = 65_536

/** Looks for tokens in a directory, not below it; `undefined` when it cannot be listed. */
export async function findTokenLikeFiles(directory: string): Promise<DirectoryFacts | undefined> {
  const names = await listDirectory(directory).catch(() => undefined)
  if (!names) return undefined
  const tokens: string[] = []
  for (const name of names.filter((one) => !one.startsWith('..')).slice(0, MAX_FILES)) {
    const path = join(directory, name)
    if (await holdsJwt(path)) tokens.push(path)
  }
  return { directory, isVolume: names.includes('..data'), tokens }
}

async function holdsJwt(path: string): Promise<boolean> {
  try {
    return parseToken((await readTokenFile(path, MAX_BYTES)).content).kind !== 'opaque'
  } catch {
    return false
  }
}
