import type { Clock, Token } from '@projected-token/core'
import type { VaultStatus } from '@projected-token/vault'
import { CliError } from '../cli-error.js'
import { removeFile, removeLeftovers, replaceFile } from '../files.js'
import type { SessionLog } from './session-log.js'
import type { SinkSpec } from './sink-spec.js'

/** The files that hold the token. */
export interface Sinks {
  /**
   * Writes what differs. The first time, a sink that cannot be written is an error; later it is told, and tried again
   * until it can be, or until there is another token.
   */
  write(token: Token, status: VaultStatus): Promise<void>
  /** Removes the files: of a token that has been revoked. */
  remove(): Promise<void>
  close(): void
}

/** Full disks and unmounted volumes take a person; readers still have the old token, which mostly lives. */
const RETRY_MS = 5_000

export function createSinks(
  specs: readonly SinkSpec[],
  clock: Clock,
  log: SessionLog,
  exitCode: number,
): Sinks {
  let isFirst = true
  let isClosed = false
  let cancelRetry = () => {}

  async function writeAll(token: Token, status: VaultStatus, specsLeft: readonly SinkSpec[]): Promise<void> {
    const failed: SinkSpec[] = []
    for (const spec of specsLeft) {
      try {
        const isWritten = await replaceFile(spec.path, contentOf(spec, token, status), spec.access)
        if (isWritten) log.tell('sink', { path: spec.path })
      } catch (error) {
        const message = describe(spec, error as NodeJS.ErrnoException)
        if (isFirst) throw new CliError(message, { code: 'ERR_SINK', exitCode })
        log.tell('sink-failed', { path: spec.path, code: 'ERR_SINK', message })
        failed.push(spec)
      }
    }
    if (failed.length === 0 || isClosed) return
    cancelRetry = clock.setTimer(() => writeAll(token, status, failed), RETRY_MS, { keepAlive: true })
  }

  return {
    async write(token, status) {
      cancelRetry()
      if (isFirst) for (const { path } of specs) await removeLeftovers(path)
      await writeAll(token, status, specs)
      isFirst = false
    },
    async remove() {
      for (const { path } of specs) await removeFile(path).catch(() => {})
    },
    close() {
      isClosed = true
      cancelRetry()
    },
  }
}

/** What a sink's file holds: the token alone, or an object. Pure. */
export function contentOf({ format }: SinkSpec, token: Token, status: VaultStatus): string {
  if (format === 'token') return token.token
  const { accessor = null, policies = [], renewable = false, leaseMs = null } = status.token ?? {}
  const { address, namespace = null } = status
  const expiresAtMs = token.expiresAtMs ?? null
  const content = {
    token: token.token,
    accessor,
    policies,
    renewable,
    leaseMs,
    expiresAtMs,
    address,
    namespace,
  }
  return `${JSON.stringify(content)}\n`
}

function describe({ path }: SinkSpec, { code, message }: NodeJS.ErrnoException): string {
  return `The Vault token could not be written to '${path}': ${code === undefined ? `it ${message}` : message}`
}
