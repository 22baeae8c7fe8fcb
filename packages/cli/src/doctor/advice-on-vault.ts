import type { Advice } from './advice.js'

const VAULT = 'https://developer.hashicorp.com/vault/docs/auth/kubernetes'
const VAULT_COMMANDS = 'https://developer.hashicorp.com/vault/docs/commands'
const NO_LOGIN = 'Without a login there is no Vault token, and no secret.'

/** On logins to Vault. */
export const ADVICE_ON_VAULT: Readonly<Record<string, Advice>> = {
  ERR_VAULT_UNAVAILABLE: {
    why: NO_LOGIN,
    remedy: 'Is the address right (--address, VAULT_ADDR), and Vault running and reachable from here?',
    docs: VAULT_COMMANDS,
  },
  ERR_VAULT_SEALED: { why: NO_LOGIN, remedy: 'Unseal Vault.', docs: VAULT_COMMANDS },
  ERR_VAULT_RATE_LIMITED: {
    why: NO_LOGIN,
    remedy: 'Look at the rate limit and lease count quotas.',
    docs: VAULT_COMMANDS,
  },
  ERR_VAULT_TLS: {
    why: 'A token is given only to a server whose certificate could be checked, and is trusted.',
    remedy:
      "Name Vault's authority (--ca-cert, VAULT_CACERT) or the name in its certificate (--tls-server-name).",
    docs: VAULT_COMMANDS,
  },
  ERR_VAULT_REDIRECT: {
    why: 'A token is given only to the address that it was meant for.',
    remedy: "Give the leader's address.",
    docs: VAULT_COMMANDS,
  },
  ERR_VAULT_ROLE: {
    why: NO_LOGIN,
    remedy: 'Create the role on this mount, or correct --role, --mount, --method or --namespace.',
    docs: VAULT,
  },
  ERR_VAULT_JWT_REFUSED: {
    why: NO_LOGIN,
    remedy:
      "Compare the token's audience, issuer, namespace and service account with the role's, and the clocks.",
    docs: VAULT,
  },
  ERR_VAULT_JWT_NOT_YET_VALID: {
    why: NO_LOGIN,
    remedy: 'Compare the clocks of Vault, the API server and the node.',
    docs: VAULT,
  },
  ERR_VAULT_PERMISSION_DENIED: {
    why: `${NO_LOGIN} Vault tells the reason only to its log.`,
    remedy:
      'Does the mount exist (--mount, --namespace)? Can Vault reach the API server, and may it create tokenreviews (system:auth-delegator)?',
    docs: VAULT,
  },
  ERR_VAULT_LOGIN_REFUSED: {
    why: NO_LOGIN,
    remedy: 'Is this the right mount (--mount, --method, --namespace)? What Vault said tells more.',
    docs: VAULT,
  },
  ERR_VAULT_JWT_UNAVAILABLE: {
    why: NO_LOGIN,
    remedy: 'The file changed while it was examined: run it again.',
    docs: VAULT,
  },
  ERR_VAULT_MFA_REQUIRED: {
    why: 'A program has no second factor.',
    remedy: 'Exempt this mount from login MFA.',
    docs: VAULT,
  },
  VAULT_NOT_ASKED: {
    why: 'A token that is not good here is not sent: its secret would leave the container for nothing.',
    remedy: 'Mend what is told of the token first.',
    docs: VAULT,
    isNote: true,
  },
  SKIP_VERIFY: {
    why: 'Whoever answers gets the JWT.',
    remedy: "Name Vault's authority (--ca-cert, VAULT_CACERT) instead.",
    docs: VAULT_COMMANDS,
  },
  SKIP_VERIFY_IGNORED: {
    why: 'A login that works with the vault CLI fails here.',
    remedy: "Name Vault's authority (--ca-cert, VAULT_CACERT).",
    docs: VAULT_COMMANDS,
  },
  PLAINTEXT: {
    why: 'Who reads the network can act as the service account.',
    remedy: 'Give Vault a listener with TLS, and an https address here.',
    docs: VAULT_COMMANDS,
  },
}
