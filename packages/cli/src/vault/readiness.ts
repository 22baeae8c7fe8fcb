import { replaceFile } from '@projected-token/core/sink'
import { CliError } from '../cli-error.js'
import { removeFile } from '../files.js'
import type { SessionLog } from './session-log.js'

/** A file that is there while there is a token to use. */
export interface Readiness {
  /** A file that could never be written is an error; later failures are told. */
  set(isReady: boolean): Promise<void>
}

export function createReadiness(path: string | undefined, log: SessionLog, exitCode: number): Readiness {
  let was: boolean | undefined
  let wasWritten = false
  return {
    async set(isReady) {
      if (isReady === was) return
      const isStart = was === undefined
      was = isReady
      try {
        if (path !== undefined && isReady) await replaceFile(path, 'ready\n', { mode: 0o644 })
        else if (path !== undefined) await removeFile(path)
        wasWritten ||= isReady
      } catch (error) {
        const message = `The readiness file cannot be changed: ${(error as Error).message}`
        if (!wasWritten) throw new CliError(message, { code: 'ERR_READY_FILE', exitCode })
        log.tell('sink-failed', { path, code: 'ERR_READY_FILE', message })
      }
      if (!isStart) log.tell(isReady ? 'ready' : 'not-ready')
    },
  }
}
