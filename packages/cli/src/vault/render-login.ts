import { CliError } from '../cli-error.js'
import { EXIT } from '../exit-codes.js'
import { printable } from '../printable.js'
import { formatGoDuration } from './go-duration.js'
import type { LoginAnswer } from './login-answer.js'

const STORED = `Success! You are now authenticated. The token information displayed below
is already stored in the token helper. You do NOT need to run "vault login"
again. Future Vault requests will automatically use this token.`
const NOT_STORED = `The token was not stored in token helper. Set the VAULT_TOKEN environment
variable or pass the token below with each request to Vault.`

/** `vault login`'s table. Pure; recorded from Vault 1.21. */
export function renderLoginTable(answer: LoginAnswer, isStored: boolean): string {
  const { token, accessor, tokenPolicies, identityPolicies, leaseSeconds, renewable } = answer
  const rows: [string, string][] = [
    ['Key', 'Value'],
    ['---', '-----'],
    ['token', token],
    ['token_accessor', accessor],
    ['token_duration', leaseSeconds === 0 ? '∞' : formatGoDuration(leaseSeconds)],
    ['token_renewable', String(renewable)],
    ['token_policies', quotedList(tokenPolicies)],
    ['identity_policies', quotedList(identityPolicies)],
    ['policies', quotedList(allPolicies(answer))],
    ...sortedMetadata(answer).map(([key, value]): [string, string] => [`token_meta_${key}`, value]),
  ]
  const width = Math.max(...rows.map(([key]) => key.length))
  const line = ([key, value]: [string, string]) =>
    `${printable(key).padEnd(width)}    ${printable(value, 8_192) || 'n/a'}`
  return `${[isStored ? STORED : NOT_STORED, '', ...rows.map(line)].join('\n')}\n`
}

/** `vault login -format=json`'s object. Pure. */
export function loginJson(answer: LoginAnswer): object {
  const { token, accessor, tokenPolicies, identityPolicies, entityId, leaseSeconds, renewable } = answer
  return {
    request_id: '',
    lease_id: '',
    lease_duration: 0,
    renewable: false,
    data: null,
    warnings: null,
    auth: {
      client_token: token,
      accessor,
      policies: allPolicies(answer),
      token_policies: tokenPolicies,
      identity_policies: identityPolicies.length === 0 ? null : identityPolicies,
      metadata: Object.fromEntries(sortedMetadata(answer)),
      orphan: true, // as is every token that a login gives
      entity_id: entityId,
      lease_duration: leaseSeconds,
      renewable,
      mfa_requirement: null,
    },
  }
}

/** The value of `vault login -field=NAME`. Pure. @throws CliError when there is no such field */
export function loginField(answer: LoginAnswer, name: string): string | number | boolean | readonly string[] {
  const { token, accessor, tokenPolicies, identityPolicies, leaseSeconds, renewable } = answer
  const fields = new Map<string, string | number | boolean | readonly string[]>([
    ['token', token],
    ['token_accessor', accessor],
    ['token_duration', leaseSeconds],
    ['token_renewable', renewable],
    ['token_policies', tokenPolicies],
    ['identity_policies', identityPolicies],
    ['policies', allPolicies(answer)],
    ...sortedMetadata(answer).map(([key, value]): [string, string] => [`token_meta_${key}`, value]),
  ])
  const value = fields.get(name)
  if (value !== undefined) return value
  throw new CliError(`Field '${name}' is not present in the login`, {
    code: 'ERR_FIELD',
    exitCode: EXIT.bad,
    found: [...fields.keys()].join(', '),
  })
}

/** A field as Go prints it: `[default app]` for a list. */
export function renderField(value: ReturnType<typeof loginField>): string {
  return typeof value === 'object' ? `[${value.join(' ')}]` : String(value)
}

function allPolicies({ tokenPolicies, identityPolicies }: LoginAnswer): string[] {
  return [...new Set([...tokenPolicies, ...identityPolicies])].sort()
}

function sortedMetadata({ metadata }: LoginAnswer): [string, string][] {
  return Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1))
}

function quotedList(list: readonly string[]): string {
  return `[${list.map((one) => JSON.stringify(one)).join(' ')}]`
}
