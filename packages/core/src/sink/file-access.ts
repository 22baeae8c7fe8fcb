import { checkOptions, optionCheck } from '../check-options.js'
import { isIntegerFrom } from '../option-checks.js'

/** Who may read a file that holds a token. */
export interface FileAccess {
  /** Permission bits, 0 to 0o777. */
  readonly mode: number
  /** Owner; another than the process' own needs root. @default the process' own */
  readonly uid?: number | undefined
  /** Group; one that the process is not a member of needs root. @default the process' own */
  readonly gid?: number | undefined
}

/** Only the owner: what another user is to read is given to that user, as owner or group. */
export const DEFAULT_ACCESS: FileAccess = { mode: 0o600 }

/** The highest number of a user or group: 2³² − 1 stands for "do not change" in chown(2). */
const MAX_ID = 0xffff_fffe

/**
 * Reads the permission bits of a file that holds a token, as `0640` or `640`. Pure.
 *
 * @param label what the message quotes: the text, unless it says more, such as `mode=0640`
 * @throws RangeError when it is no octal number of three digits, makes a token executable, or keeps it from its owner
 */
export function parseFileMode(text: string, label: string = text): number {
  if (!/^0?[0-7]{3}$/.test(text)) throw new RangeError(`'${label}' is no octal mode such as 0640`)
  const mode = Number.parseInt(text, 8)
  if ((mode & 0o111) !== 0) throw new RangeError(`'${label}' makes a token executable`)
  if ((mode & 0o400) === 0) throw new RangeError(`'${label}' does not let the owner read it`)
  return mode
}

/**
 * Reads owner and group of a file: `1000`, `1000:1000` or `:1000`. Numbers alone: names differ between containers. Pure.
 *
 * @param label what the message quotes: the text, unless it says more, such as `owner=1000`
 * @throws RangeError when it is none of these
 */
export function parseFileOwner(text: string, label: string = text): Omit<FileAccess, 'mode'> {
  const [, uid, gid] = /^(\d{1,10})?(?::(\d{1,10}))?$/.exec(text) ?? []
  const numbers = [uid, gid].map((id) => (id === undefined ? undefined : Number(id)))
  if ((uid ?? gid) === undefined || numbers.some((id) => id !== undefined && id > MAX_ID)) {
    throw new RangeError(`'${label}' is no number: UID, UID:GID or :GID`)
  }
  return { uid: numbers[0], gid: numbers[1] }
}

const CHECKS = {
  mode: optionCheck(
    (value) => typeof value === 'number',
    'permission bits, 0 to 0o777',
    (value: number) => Number.isInteger(value) && value >= 0 && value <= 0o777,
  ),
  uid: isIntegerFrom(0, MAX_ID),
  gid: isIntegerFrom(0, MAX_ID),
}

/** @returns a copy of its own. @throws TypeError or RangeError naming what is wrong */
export function checkFileAccess(access: FileAccess): FileAccess {
  return checkOptions(access, CHECKS, ['mode'])
}
