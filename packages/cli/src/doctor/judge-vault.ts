import { formatDuration } from '../format.js'
import { error, type Judgement, warning } from '../inspect/findings.js'
import type { TokenFacts } from '../inspect/inspection.js'
import type { VaultFacts } from './log-in-once.js'

/** Whether a token is sent to Vault at all: one that is not good here is not. Pure. */
export function mayLogIn(judgements: readonly Judgement[]): boolean {
  return judgements.every(({ severity, code }) => severity !== 'error' || code === 'ERR_SIGNATURE_UNKNOWN')
}

/** Judges what Vault said. Pure. */
export function* judgeVault(vault: VaultFacts, token: TokenFacts | undefined): Generator<Judgement> {
  const { state, failure, risks } = vault
  if (state === 'not-asked') {
    yield warning('VAULT_NOT_ASKED', 'No login was tried: there is no token to send.')
  }
  if (failure) yield error(failure.code, seenOf(failure.message), remedyFor(failure, token))
  for (const { code, message } of risks) yield warning(code, `${message}.`.replace(/\.\.$/, '.'))
}

/** What the error of the library says without its advice, which is that of a program that goes on trying. */
function seenOf(message: string): string {
  const [seen] = /^.*? failed: (?:Vault answered \d+(?:: ".*")?|.*?)(?=\. [A-Z])/s.exec(message) ?? [message]
  return seen.endsWith('.') ? seen : `${seen}.`
}

function remedyFor(
  { code, message }: NonNullable<VaultFacts['failure']>,
  token: TokenFacts | undefined,
): string | undefined {
  if (code === 'ERR_VAULT_TLS' && /\b(?:ENOENT|EACCES|EISDIR|ENOTDIR)\b/.test(message)) {
    return 'Correct the path, or the mode, of the file (--ca-cert, --ca-path, --client-cert, --client-key, or VAULT_…).'
  }
  if (code !== 'ERR_VAULT_JWT_REFUSED' || !/audience/i.test(message)) return undefined
  const audience = token?.audience.map((one) => JSON.stringify(one)).join(', ') || 'no audience'
  return (
    `The token is for ${audience}: set the same in the role (audience, or bound_audiences of a jwt mount), or ` +
    "change the audience of the volume's serviceAccountToken source."
  )
}

/** `, and Vault's role "app" gives a token of 1 h` */
export function describeLogin({ state, role, leaseMs }: VaultFacts): string {
  if (state !== 'logged-in') return ''
  const life = leaseMs === undefined || leaseMs === 0 ? '' : ` of ${formatDuration(leaseMs)}`
  return `; Vault's role ${role} gives a token${life}`
}
