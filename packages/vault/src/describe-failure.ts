import type { Answer } from './answer.js'
import type { FailureClass } from './classify-answer.js'
import { redact } from './redact.js'
import { VaultError, type VaultErrorCode } from './vault-error.js'

const CODES: Record<FailureClass, VaultErrorCode> = {
  unavailable: 'ERR_VAULT_UNAVAILABLE',
  sealed: 'ERR_VAULT_SEALED',
  'rate-limited': 'ERR_VAULT_RATE_LIMITED',
  role: 'ERR_VAULT_ROLE',
  mfa: 'ERR_VAULT_MFA_REQUIRED',
  'jwt-refused': 'ERR_VAULT_JWT_REFUSED',
  'jwt-not-yet-valid': 'ERR_VAULT_JWT_NOT_YET_VALID',
  'jwt-unavailable': 'ERR_VAULT_JWT_UNAVAILABLE',
  denied: 'ERR_VAULT_PERMISSION_DENIED',
  refused: 'ERR_VAULT_LOGIN_REFUSED',
  tls: 'ERR_VAULT_TLS',
  redirect: 'ERR_VAULT_REDIRECT',
  aborted: 'ERR_VAULT_CLOSED',
}

const REMEDIES: Record<FailureClass, string> = {
  unavailable: 'It is tried again. Is the address right, and Vault running and reachable from here?',
  sealed: 'It is tried again. Unseal Vault',
  'rate-limited': 'It is tried again. Look at the rate limit and lease count quotas',
  role: 'Create the role on this mount, or correct the options role, mount, method or namespace',
  mfa: 'A program has no second factor: exempt this mount from login MFA',
  'jwt-refused':
    "This JWT is not sent again; another one is awaited. Compare its audience, issuer, namespace and service account with the role's, and the clocks",
  'jwt-not-yet-valid': 'It is tried again. Compare the clocks of Vault, the API server and the node',
  'jwt-unavailable': 'See the cause: without a JWT there is no login',
  denied:
    "Vault tells the reason only to its log. Often its TokenReview fails: is the API server reachable from Vault, and may Vault's service account create tokenreviews (system:auth-delegator)? Or the mount does not exist in this namespace",
  refused: 'It is tried again, at last every five minutes',
  // By the variables, which a command line obeys as well as a program.
  tls: 'Give the right authority (VAULT_CACERT, ca, caFile), the name in the certificate (VAULT_TLS_SERVER_NAME, serverName), or a client certificate (VAULT_CLIENT_CERT and VAULT_CLIENT_KEY)',
  redirect: "Use the leader's address. A program may list it in clusterAddresses instead",
  aborted: 'The provider was closed',
}

/** What came of an attempt that failed: Vault's answer, none, or no JWT to send. */
export type FailedAttempt = Answer | { readonly kind: 'jwt'; readonly cause: unknown }

/** What a message says of the place. */
export interface LoginPlace {
  readonly address: string
  readonly namespace: string | undefined
  readonly mount: string
  readonly role: string
}

/** Says what failed where, what Vault said, and what helps. @param secrets what was sent, which Vault may quote */
export function describeFailure(
  during: 'login' | 'renewal',
  failure: FailureClass,
  answer: FailedAttempt,
  place: LoginPlace,
  secrets: readonly string[],
): VaultError {
  const what = `The Vault ${during} at ${place.address} (auth/${place.mount}, role '${place.role}'${
    place.namespace === undefined ? '' : `, namespace '${place.namespace}'`
  }) failed`
  const cause = answer.kind === 'none' || answer.kind === 'jwt' ? answer.cause : undefined
  return new VaultError(`${what}: ${detail(answer, secrets)}. ${remedy(during, failure, answer)}`, {
    code: CODES[failure],
    status: answer.kind === 'http' ? answer.status : undefined,
    cause,
  })
}

function remedy(during: 'login' | 'renewal', failure: FailureClass, answer: FailedAttempt): string {
  if (during === 'renewal' && (failure === 'denied' || failure === 'refused')) return 'A login follows'
  if (failure === 'unavailable' && answer.kind === 'http')
    return "It is tried again; Vault's log may say more"
  return REMEDIES[failure]
}

function detail(answer: FailedAttempt, secrets: readonly string[]): string {
  if (answer.kind === 'none') return redact(answer.problem, secrets)
  if (answer.kind === 'jwt') {
    const { code, message } = (answer.cause ?? {}) as { code?: unknown; message?: unknown }
    return redact(
      `there is no JWT (${String(code ?? 'no code')}: ${String(message ?? answer.cause)})`,
      secrets,
    )
  }
  if (answer.status < 300) return `the answer (${answer.status}) holds no usable token`
  const said = redact(answer.errors.join('; '), secrets)
  return `Vault answered ${answer.status}${said === '' ? '' : `: "${said}"`}`
}
