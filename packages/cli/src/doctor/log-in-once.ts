import { TokenError } from '@projected-token/core'
import { VaultError } from '@projected-token/vault'
import type { CliIo } from '../io.js'
import { type OpenVault, openVault, risksOf } from '../vault/open-vault.js'
import type { VaultOptions } from '../vault/vault-options.js'

/** What Vault said to one login. */
export interface VaultFacts {
  readonly state: 'logged-in' | 'failed' | 'not-asked'
  readonly address: string | undefined
  readonly role: string | undefined
  /** Of the token that Vault gave, which was revoked. */
  readonly leaseMs: number | undefined
  readonly failure: { readonly code: string; readonly message: string } | undefined
  /** What works, and should be changed all the same. */
  readonly risks: readonly { readonly code: string; readonly message: string }[]
}

/** Vault's own answer to a login that asks the API server may take this long. */
const TIMEOUT_MS = 10_000

/** Why there was no login: the token would not be sent. */
export const NOT_ASKED: VaultFacts = {
  state: 'not-asked',
  address: undefined,
  role: undefined,
  leaseMs: undefined,
  failure: undefined,
  risks: [],
}

/** Logs in, once whatever comes of it, and revokes what it got. @throws InvalidArgumentError for bad options */
export async function logInOnce(options: VaultOptions, io: CliIo): Promise<VaultFacts> {
  const vault = await openVault(options, { timeoutMs: TIMEOUT_MS, revoke: true }, io)
  try {
    const { address } = vault.provider.status()
    const about = { address, role: options.role, risks: risksOf(options, address, io.env) }
    const failure = await firstAnswer(vault, io.signal)
    if (failure) return { ...about, state: 'failed', leaseMs: undefined, failure }
    const { leaseMs } = vault.provider.status().token ?? {}
    return { ...about, state: 'logged-in', leaseMs, failure: undefined }
  } finally {
    await vault.close()
  }
}

/** The first failure ends it: the provider would try again. */
function firstAnswer({ provider }: OpenVault, signal: AbortSignal): Promise<VaultFacts['failure']> {
  return new Promise((resolve, reject) => {
    const onFailed = ({ error }: { error: VaultError }) => resolve(error)
    provider.on('failed', onFailed)
    provider
      .getToken({ signal })
      .then(
        () => resolve(undefined),
        (error: unknown) =>
          error instanceof VaultError || error instanceof TokenError ? resolve(error) : reject(error),
      )
      .finally(() => provider.off('failed', onFailed))
  })
}
