import type { Token } from '@projected-token/core'
import type { Source } from '../source.js'

/** What a sink's file holds: the token alone, or an object. Pure but for the provider's status. */
export function sinkContent(format: 'token' | 'json', source: Source, token: Token): string {
  if (format === 'token') return token.token
  const { name, kind } = source
  const expiresAtMs = token.expiresAtMs ?? null
  const expiresAt = expiresAtMs === null ? null : new Date(expiresAtMs).toISOString()
  const content = { name, kind, token: token.token, expiresAtMs, expiresAt, ...vaultFields(source) }
  return `${JSON.stringify(content)}\n`
}

/** What the file of `projected-token vault agent` holds, too. */
function vaultFields(source: Source): object {
  if (source.kind !== 'vault') return {}
  const { token, address, namespace = null } = source.provider.status()
  const { accessor = null, policies = [], renewable = false, leaseMs = null } = token ?? {}
  return { accessor, policies, renewable, leaseMs, address, namespace }
}
