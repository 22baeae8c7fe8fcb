import { type Advice, KUBERNETES } from './advice.js'

const PROJECTED = `${KUBERNETES}concepts/storage/projected-volumes/#serviceaccounttoken`
const CONFIGURE = `${KUBERNETES}tasks/configure-pod-container/configure-service-account/`
const LAUNCH = `${CONFIGURE}#launch-a-pod-using-service-account-token-projection`
const DISCOVERY = `${CONFIGURE}#service-account-issuer-discovery`
const ADMINISTRATION = `${KUBERNETES}reference/access-authn-authz/service-accounts-admin/`
const NOT_FOR_IT = 'A server accepts only a token that is made for it, by an issuer that it trusts.'

/** On what a token says of itself, and when. */
export const ADVICE_ON_TOKENS: Readonly<Record<string, Advice>> = {
  ERR_TOKEN_EXPIRED: {
    why: 'A server refuses an expired token, whatever the program that sends it does.',
    remedy: "Look at the events of the pod, and at the kubelet's log.",
    docs: PROJECTED,
  },
  ERR_TOKEN_AUDIENCE: {
    why: NOT_FOR_IT,
    remedy: "Set the audience of the volume's serviceAccountToken source.",
    docs: LAUNCH,
  },
  ERR_TOKEN_ISSUER: {
    why: NOT_FOR_IT,
    remedy:
      "Compare with --service-account-issuer of the API server: the token is another cluster's, or the expectation is.",
    docs: DISCOVERY,
  },
  ERR_TOKEN_SUBJECT: {
    why: 'A server grants rights to the service account that the token names.',
    remedy: "Set serviceAccountName in the pod's spec.",
    docs: CONFIGURE,
  },
  NOT_YET_VALID: {
    why: 'A server refuses a token before its time, by a leeway of about a minute.',
    remedy: 'Set the clocks of the node and of the API server (NTP).',
    docs: ADMINISTRATION,
  },
  ERR_SIGNATURE_INVALID: {
    why: 'A server that checks the signature refuses the token.',
    remedy: 'Compare the cluster that issued the token with the one that the keys are of.',
    docs: DISCOVERY,
  },
  ERR_SIGNATURE_UNKNOWN: {
    why: 'Nobody knows yet whether the issuer signed this token.',
    remedy:
      'Give the keys of the cluster: kubectl get --raw /openid/v1/jwks > jwks.json, then --jwks jwks.json.',
    docs: DISCOVERY,
  },
  OVERDUE: {
    why: 'The token still works, and will expire: every request after that is refused.',
    remedy: "Look at the events of the pod, and at the kubelet's log.",
    docs: PROJECTED,
  },
  STALE: {
    why: 'The API server may stop accepting it: the extension is there for old clients, and will end.',
    remedy: "The file should hold a newer token: look at the events of the pod, and at the kubelet's log.",
    docs: ADMINISTRATION,
  },
  EXTENDED_EXPIRY: {
    why: 'Who trusts exp alone uses the token for a year, past its rotation and its true end.',
    remedy:
      "Nothing, with a client that reads the file again. The API server's --service-account-extend-token-expiration=false ends it.",
    docs: ADMINISTRATION,
    isNote: true,
  },
  LONG_LIVED: {
    why: 'Who steals it has it as long.',
    remedy: "Lower the volume's expirationSeconds.",
    docs: LAUNCH,
  },
  LEGACY_TOKEN: {
    why: 'Who steals it has it until somebody deletes the Secret; servers that ask for an audience refuse it.',
    remedy: 'Use a projected volume instead.',
    docs: `${ADMINISTRATION}#legacy-serviceaccount-token-tracking-controller`,
  },
  UNEXPIRING_TOKEN: {
    why: 'Nothing says when a program needs its successor.',
    remedy: 'Use a projected volume instead.',
    docs: PROJECTED,
  },
  OPAQUE_TOKEN: {
    why: 'Whether it is the right one, and still good, only the server can say.',
    remedy: 'Is this the right file? A service account token is a JWT.',
    docs: PROJECTED,
  },
  SHORT_LIVED: {
    why: 'The kubelet looks every 60 to 90 s whether a token is due: one with so short a life can expire before.',
    remedy: 'Set expirationSeconds to 600 at least, which is the least that Kubernetes grants.',
    docs: LAUNCH,
  },
  CADENCE_TOO_SLOW: {
    why: 'A program that reads the file so seldom may hold a token past its expiry: random 401s.',
    remedy: 'Read the file more often, let the library do it, or raise expirationSeconds.',
    docs: LAUNCH,
  },
  CLOCK_BEHIND: {
    why: 'Programs here take an expired token for a valid one, and the kubelet rotates late by the difference.',
    remedy: "Set the clock of the node, or of the API server (NTP). The pod's clock is the node's.",
    docs: ADMINISTRATION,
  },
  CLOCK_AHEAD: {
    why: 'Programs here take a valid token for an expired one, and the kubelet rotates too often.',
    remedy:
      "Set the clock of the node, or of the API server (NTP). If both are right, TokenRequests failed then: see the kubelet's log.",
    docs: ADMINISTRATION,
  },
}
