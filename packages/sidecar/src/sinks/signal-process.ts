import { readSmallFile } from '../files.js'
import type { SignalHook } from './sink-spec.js'

/** Some write more below the number: PostgreSQL eight lines. */
const MAX_BYTES = 4_096
/** Linux' largest number of a process is one less. */
const PID_LIMIT = 4_194_304

/**
 * Signals the process whose number is in the file now.
 *
 * @returns its number
 * @throws an Error whose message says what was found and what to do
 */
export async function signalProcess({ signal, pidFile }: SignalHook): Promise<number> {
  const content = await readSmallFile(pidFile, MAX_BYTES).catch((error: NodeJS.ErrnoException) => {
    throw new Error(describeUnreadable(pidFile, error), { cause: error })
  })
  const pid = parsePid(content.toString('latin1'))
  if (typeof pid === 'string') throw new Error(`The pid file '${pidFile}' ${pid}.`)
  if (pid === process.pid) throw new Error(`The pid file '${pidFile}' names this process itself.${SHARE}`)
  try {
    process.kill(pid, signal)
    return pid
  } catch (error) {
    const { code = 'UNKNOWN' } = error as NodeJS.ErrnoException
    throw new Error(`Process ${pid} of '${pidFile}' could not be signalled: ${KILL[code] ?? code}`, {
      cause: error,
    })
  }
}

const SHARE =
  ' Does the pod share its process namespace (shareProcessNamespace: true)? Otherwise the numbers of two containers mean different processes.'

const KILL: Readonly<Record<string, string>> = {
  ESRCH: `ESRCH, there is none: it has ended and left the file, or runs elsewhere.${SHARE}`,
  EPERM: 'EPERM, it belongs to another user. Run both containers with the same runAsUser, or grant CAP_KILL.',
}

/**
 * The number on the first line, or what is wrong. 1 is refused: in a shared process namespace it is the pod's pause
 * process, which ends the pod on SIGTERM; otherwise it is that of the container's own program, here this one's. 0 and
 * negative numbers would signal whole groups. Pure.
 */
export function parsePid(content: string): number | string {
  const [line = ''] = content.split('\n', 1)
  const text = line.trim()
  if (text === '') return 'is empty: its program has not written it yet'
  if (!/^\d{1,10}$/.test(text)) return 'holds no process number on its first line'
  const pid = Number(text)
  if (pid <= 1) return `holds ${pid}, which is never the program that is meant.${SHARE}`.replace(/\.$/, '')
  return pid < PID_LIMIT ? pid : `holds ${pid}, which is no process number`
}

function describeUnreadable(pidFile: string, { code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') {
    return `The pid file '${pidFile}' does not exist (ENOENT): its program is not running yet, or the volume is not mounted in both containers.`
  }
  if (code === 'EACCES') return `The pid file '${pidFile}' may not be read (EACCES) by this user.`
  return `The pid file '${pidFile}' cannot be read: it ${message}`
}
