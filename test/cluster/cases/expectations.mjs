/**
 * What each case must come to, written before it was run. A value is expected as it is, a RegExp to match, `atLeast`
 * and `atMost` to bound a number. What the names mean is in measure.mjs.
 *
 * Tokens live 20 s here and are replaced at an age of 8 to 13 s. So whoever keeps one for 60 s keeps it for longer
 * than it lives, and is refused between; with tokens of an hour he would be right.
 */
const atLeast = (least) => ({ least })
const atMost = (most) => ({ most })
const ROTATIONS = 8
/** A request that is under way while its token expires: no client can know. */
const ON_ITS_WAY = atMost(1)

const served = {
  rotations: atLeast(ROTATIONS),
  'sdk rotations': 'as on disk',
  'sdk sent': atLeast(50),
  'sdk refused': 0,
  'sdk withheld': 0,
  'sdk stale': 0,
  state: 'valid',
  watch: 'watching',
}
const naiveRefused = {
  'once refused': atLeast(1),
  'watch-file refused': atLeast(1),
  'cache-60s refused': atLeast(1),
}
const rotating = (mode, codes) => ({
  ...served,
  ...naiveRefused,
  mode,
  'doctor exit': 1,
  'doctor codes': codes,
})

/** The app's container mounts no token: nobody there can be naive. */
const throughSidecar = { ...served, mode: '0640 0:65532' }

export const EXPECTATIONS = {
  'founding-document': rotating(
    '0644 0:0',
    // Nobody has switched off the default token: it is mounted too.
    'EXTENDED_EXPIRY SEVERAL_TOKENS SHORT_LIVED WORLD_READABLE',
  ),
  neither: rotating('0644 0:0', 'SHORT_LIVED WORLD_READABLE'),
  'run-as-user': rotating('0600 10001:0', 'SHORT_LIVED'),
  'fs-group': rotating('0640 0:20001', 'SHORT_LIVED'),
  'user-and-group': rotating('0640 10001:20001', 'SHORT_LIVED'),
  'nested-path': rotating('0644 0:0', 'SHORT_LIVED WORLD_READABLE'),
  'two-projections': {
    ...rotating('0644 0:0', 'SEVERAL_TOKENS SHORT_LIVED WORLD_READABLE'),
    rotations: atLeast(2 * ROTATIONS),
  },
  // The volume rotates; what is mounted of it does not.
  'sub-path': {
    ...naiveRefused,
    rotations: atLeast(ROTATIONS),
    mode: '0644 0:0',
    'sdk rotations': 0,
    'sdk sent': atLeast(1),
    'sdk refused': ON_ITS_WAY,
    'sdk withheld': atLeast(1),
    state: 'expired',
    'last failure': /^ERR_TOKEN_EXPIRED .*subPath/,
    'doctor exit': 2,
    'doctor codes': 'ERR_TOKEN_EXPIRED NEVER_UPDATED REPLACED_MEANWHILE SHORT_LIVED WORLD_READABLE',
  },
  // The kubelet gives the file to the user of the containers, who is root.
  'changed-user': {
    rotations: atLeast(ROTATIONS),
    mode: '0600 0:0',
    'sdk rotations': 0,
    'sdk sent': 0,
    'sdk withheld': atLeast(1),
    state: 'unavailable',
    'last failure': /^ERR_TOKEN_UNREADABLE .*(runAsUser|fsGroup)/,
    'doctor exit': 2,
    'doctor codes': 'ERR_TOKEN_UNREADABLE',
  },
  'no-token': {
    rotations: 0,
    'sdk sent': 0,
    'sdk withheld': atLeast(1),
    state: 'unavailable',
    'last failure': /^ERR_TOKEN_NOT_FOUND /,
    'doctor exit': 2,
    'doctor codes': 'NO_TOKEN_MOUNTED',
  },
  // Its `exp` lies a year ahead: nobody is refused, but the API server counts who is late.
  'default-token': {
    ...served,
    mode: '0644 0:0',
    'once refused': 0,
    'once stale': atLeast(1),
    'watch-file stale': atLeast(1),
    'cache-60s stale': atLeast(1),
    'API server counts stale': atLeast(1),
    'doctor exit': 1,
    'doctor codes': 'EXTENDED_EXPIRY SHORT_LIVED WORLD_READABLE',
  },
  // Tokens of 7,200 s, as the API server gives them: a kubelet that starts asks for a new one.
  'kubelet-restart': {
    ...served,
    rotations: atLeast(5),
    mode: '0640 0:20001',
    'once refused': 0,
    'doctor exit': 0,
    'doctor codes': '',
  },
  outage: {
    ...naiveRefused,
    rotations: atLeast(1),
    'sdk rotations': 'as on disk',
    'sdk sent': atLeast(50),
    'sdk refused': ON_ITS_WAY,
    'sdk withheld': atLeast(1),
    'state meanwhile': 'expired',
    'doctor exit': 2,
    'doctor codes': 'ERR_TOKEN_EXPIRED SHORT_LIVED',
    // Between three quarters of what is left when a rotation is due, and the end.
    'doctor before expiry': 'OVERDUE SHORT_LIVED',
    events: /overdue.*expired.*recovered/,
    state: 'valid',
  },
  // Deleted, and slow to end: the kubelet renews no token of a pod that ends.
  'pod-ending': {
    rotations: atLeast(1),
    'rotations while it ends': 0,
    'sdk refused': ON_ITS_WAY,
    'sdk withheld': atLeast(1),
    state: 'expired',
    'doctor exit': 2,
    'doctor codes': 'ERR_TOKEN_EXPIRED SHORT_LIVED',
  },
  // The API server refuses a token whose pod is gone, whatever its `exp`.
  'pod-deleted': {
    'once refused': atLeast(1),
    'watch-file refused': atLeast(1),
    'cache-60s refused': atLeast(1),
    'sdk withheld': 0,
    'doctor exit': 1,
    'doctor codes': 'SHORT_LIVED',
    'sdk refused': atLeast(1),
    'refused until the deletion': 0,
    // One request for each call: there is no other token to try. The last report is up to a second old.
    'requests beyond calls': atMost(5),
    state: 'valid',
  },
  // Refused from the moment on when the API server forgets the old account until the kubelet renews the token.
  'account-recreated': {
    rotations: atLeast(1),
    'sdk rotations': 'as on disk',
    'sdk refused': atLeast(1),
    'sdk withheld': 0,
    'accepted again': true,
    'once accepted again': false,
    // In the token itself, and in its file, nothing is wrong: doctor knows of no refusal.
    'doctor exit': 1,
    'doctor codes': 'SHORT_LIVED',
    state: 'valid',
  },
  'manifests/base': throughSidecar,
  'manifests/overlays/plain': throughSidecar,
  // Each token of Vault's lives 60 s at most, and each login has another JWT: the kubelet rotates it every 13 s.
  'manifests/overlays/vault': {
    ...throughSidecar,
    'vault reads': atLeast(50),
    'vault refused': 0,
    'vault withheld': 0,
    'vault logins': atLeast(2),
    'vault logins refused': 0,
    'vault renewals': atLeast(2),
  },
}
