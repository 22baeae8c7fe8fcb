/** What Vault says it did: its audit device writes an entry before a request is answered. */
import { readFile } from 'node:fs/promises'

/** One request that Vault took up: while sealed or stopped it takes up none. */
export interface VaultAuditEntry {
  readonly path: string
  readonly operation: string
  readonly timeMs: number
  readonly refused: boolean
  /** Why it was refused, unless a plugin said it: that text the log hides. */
  readonly error?: string
  /** HMAC of the JWT that a login sent; equal for equal ones, until the storage is lost. */
  readonly jwt?: string
  /** HMAC of the token that came with the request. */
  readonly token?: string
}

export interface VaultCount {
  readonly total: number
  readonly succeeded: number
  readonly refused: number
}

interface AuditLine {
  time: string
  error?: string
  request: {
    id: string
    path: string
    operation: string
    client_token?: string
    data?: { jwt?: string } | null
  }
  response?: { data?: { error?: unknown } | null }
}

/** In the order in which the requests came. */
export async function readAuditLog(file: string): Promise<VaultAuditEntry[]> {
  const content = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  // A request has a line when it comes and one when it is answered. What follows the last line end is not yet written.
  const lines = content.split('\n').slice(0, -1)
  const entries = new Map<string, VaultAuditEntry>()
  for (const { time, error, request, response } of lines.map((line) => JSON.parse(line) as AuditLine)) {
    const { id, path, operation, data, client_token: token } = request
    const earlier = entries.get(id)
    entries.set(id, {
      ...{ path, operation },
      timeMs: earlier?.timeMs ?? Date.parse(time),
      refused: error !== undefined || response?.data?.error !== undefined,
      ...(error !== undefined && { error }),
      ...(data?.jwt !== undefined && { jwt: data.jwt }),
      ...(token !== undefined && { token }),
    })
  }
  return [...entries.values()]
}

export function countRequests(entries: readonly VaultAuditEntry[], path: string): VaultCount {
  const matching = entries.filter((entry) => entry.path === path)
  const refused = matching.filter((entry) => entry.refused).length
  return { total: matching.length, succeeded: matching.length - refused, refused }
}
