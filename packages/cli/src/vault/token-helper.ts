import { homedir } from 'node:os'
import { join } from 'node:path'
import type { CliIo } from '../io.js'

/** The file of Vault's built-in token helper. */
export function tokenHelperPath(env: CliIo['env']): string {
  return join(env.HOME || homedir(), '.vault-token')
}
