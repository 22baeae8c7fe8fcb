import { resolve } from 'node:path'
import { InvalidArgumentError } from 'commander'
import type { FileAccess } from '../files.js'
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
    access: { mode: parseMode(parts.get('mode')), ...parseOwner(parts.get('owner')) },
  }
}

function parseMode(text: string | undefined): number {
  if (text === undefined) return DEFAULT_MODE
  if (!/^0?[0-7]{3}$/.test(text)) throw bad(`'mode=${text}' is no octal mode such as 0640`)
  const mode = Number.parseInt(text, 8)
  if ((mode & 0o111) !== 0) throw bad(`'mode=${text}' makes a token executable`)
  if ((mode & 0o400) === 0) throw bad(`'mode=${text}' does not let the owner read it`)
  return mode
}

function parseOwner(text: string | undefined): Omit<FileAccess, 'mode'> {
  if (text === undefined) return {}
  const [, uid, gid] = /^(\d{1,10})?(?::(\d{1,10}))?$/.exec(text) ?? []
  const numbers = [uid, gid].map((id) => (id === undefined ? undefined : Number(id)))
  if ((uid ?? gid) === undefined || numbers.some((id) => id !== undefined && id > 0xffff_fffe)) {
    throw bad(`'owner=${text}' is no number: owner=UID, owner=UID:GID or owner=:GID`)
  }
  return { uid: numbers[0], gid: numbers[1] }
}

function bad(problem: string): InvalidArgumentError {
  return new InvalidArgumentError(`${problem}. Expected ${GRAMMAR}.`)
}
