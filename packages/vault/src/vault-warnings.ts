import { isPlaintext, type VaultAddress } from './vault-address.js'

/** What an operator should change although it works: process warnings, each with its code. */
export function warnOfRisks(address: VaultAddress, skipsVerify: boolean, wantsSkipVerify: boolean): void {
  if (skipsVerify) {
    warn(
      'SKIP_VERIFY',
      `The certificate of Vault at ${address.text} is not verified: JWT and tokens go to whoever answers. Remove the option 'skipVerify'`,
    )
  } else if (wantsSkipVerify) {
    warn(
      'SKIP_VERIFY_IGNORED',
      "VAULT_SKIP_VERIFY is set and not obeyed. Give Vault's authority (VAULT_CACERT), or, knowing what it means, the option 'skipVerify'",
    )
  }
  if (isPlaintext(address)) {
    warn(
      'PLAINTEXT',
      `Vault at ${address.text} is reached without TLS: JWT and tokens can be read on the way`,
    )
  }
}

/** Of a login, not of the options. */
export function warnOfZeroLease(address: VaultAddress, mount: string, role: string): void {
  warn(
    'ZERO_LEASE',
    `Vault at ${address.text} gave role '${role}' of auth/${mount} a lease of 0 s: how long the token lives is unknown, and it is replaced on demand only. Set token_ttl`,
  )
}

function warn(code: string, message: string): void {
  process.emitWarning(message, { code: `PROJECTED_TOKEN_VAULT_${code}` })
}
