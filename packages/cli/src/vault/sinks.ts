import type { Clock, Token } from '@projected-token/core'
import { createTokenSink, type SinkResult } from '@projected-token/core/sink'
import type { VaultStatus } from '@projected-token/vault'
import { CliError } from '../cli-error.js'
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
  /** Fulfils when the writes under way have ended. */
  close(): Promise<void>
}

export function createSinks(
  specs: readonly SinkSpec[],
  clock: Clock,
  log: SessionLog,
  exitCode: number,
): Sinks {
  let isFirst = true
  const sinks = specs.map((spec) => {
    const onResult = (result: SinkResult) => {
      const { path } = spec
      if (result.outcome === 'written') log.tell('sink', { path })
      if (result.outcome === 'failed' && !isFirst) {
        log.tell('sink-failed', { path, code: 'ERR_SINK', message: describe(result.error) })
      }
    }
    return { spec, sink: createTokenSink({ path: spec.path, access: spec.access, clock, onResult }) }
  })

  return {
    async write(token, status) {
      for (const { spec, sink } of sinks) {
        const result = await sink.write(token, contentOf(spec, token, status))
        if (isFirst && result.outcome === 'failed') {
          throw new CliError(describe(result.error), { code: 'ERR_SINK', exitCode })
        }
      }
      isFirst = false
    },
    async remove() {
      await Promise.allSettled(sinks.map(({ sink }) => sink.remove()))
    },
    async close() {
      await Promise.all(sinks.map(({ sink }) => sink.close()))
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

function describe({ message }: Error): string {
  return `The Vault token is not in its file. ${message}`
}
