import { resolve } from 'node:path'
import { type FileAccess, parseFileMode, parseFileOwner } from '@projected-token/core/sink'
import { InvalidArgumentError } from 'commander'
import { parseText } from '../options.js'

/** A file that holds the Vault token. */
export interface SinkSpec {
  /** Absolute. */
  readonly path: string
  readonly format: 'token' | 'json'
  readonly access: FileAccess
}

/** Only the owner: what another user is to read is given to that user, with `owner`. */
const DEFAULT_MODE = 0o600
const GRAMMAR = 'file=/path[,mode=0640][,owner=UID[:GID]][,format=token|json]'

/**
 * Reads `/path` or `file=/path,mode=0640,owner=1000:1000,format=json`. Pure.
 *
 * @throws InvalidArgumentError naming the part that is wrong
 */
export function parseSink(text: string): SinkSpec {
  const [first = '', ...rest] = parseText(text).split(',')
  const parts = new Map<string, string>()
  for (const part of [first.startsWith('/') || !first.includes('=') ? `file=${first}` : first, ...rest]) {
    const [, key, value] = /^(file|mode|owner|format)=(.+)$/s.exec(part) ?? []
    if (key === undefined || value === undefined) throw bad(`'${part}' is not understood`)
    if (parts.has(key)) throw bad(`'${key}' is there twice`)
    parts.set(key, value)
  }
  const file = parts.get('file')
  if (file === undefined) throw bad("'file' is missing")
  if (file.endsWith('/')) throw bad(`'file=${file}' is a directory`)
  const format = parts.get('format') ?? 'token'
  if (format !== 'token' && format !== 'json') throw bad(`'format=${format}' is neither token nor json`)
  return {
    path: resolve(file),
    format,
    access: parseAccess(parts.get('mode'), parts.get('owner')),
  }
}

function parseAccess(mode: string | undefined, owner: string | undefined): FileAccess {
  try {
    return {
      mode: mode === undefined ? DEFAULT_MODE : parseFileMode(mode, `mode=${mode}`),
      ...(owner === undefined ? {} : parseFileOwner(owner, `owner=${owner}`)),
    }
  } catch (error) {
    throw bad((error as RangeError).message)
  }
}

function bad(problem: string): InvalidArgumentError {
  return new InvalidArgumentError(`${problem}. Expected ${GRAMMAR}.`)
}
