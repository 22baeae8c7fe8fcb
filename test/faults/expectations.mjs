/**
 * The table: what each adapter has to show under each fault, by the rules of the project. It was written before the
 * matrix was first run, and a difference is a defect of the product or of the harness, never a reason to change a line
 * here without a rule that says so.
 *
 * A cell says what the requests come to from the beginning of a fault to its end, in order, each kind once:
 *
 * - `old`: accepted by the server, with the token from before the fault;
 * - `new`: accepted, with a token that was issued since;
 * - `waits`: no request has ended before the fault has;
 * - `ERR_…`: the error code that the caller gets; nothing was sent;
 * - `HTTP 401`, `HTTP 307`, `UNAUTHENTICATED` (gRPC): the server's answer, passed on to the caller;
 * - `network error`: the transport's own error, passed on to the caller;
 * - `elsewhere, without the token`: the redirect was followed, and took no token along;
 * - `no file`: of a sink;
 * - `n/a: reason`.
 *
 * `?` behind a phase: it may be too short to be seen. `…` at the end: and so on. What follows a fault is the same for every cell, and so is not
 * written: no other kind of failure than during it, and then the next token of the kubelet, accepted. (A Vault token is
 * not replaced when the JWT is: there, any accepted request.)
 */

export const ADAPTERS = ['fetch', 'undici', 'grpc', 'vault', 'proxy', 'sink']
/**
 * Programs without this project: one that reads the token once, and one that reads the file for every request. They are
 * held against what is expected of `fetch`, and fail: so the matrix would see an adapter that does.
 */
export const PEERS = ['once', 'each-time']

/** @returns {string} what a cell has to be */
export function expectedOf(fault, adapter) {
  return EXPECTATIONS[fault][PEERS.includes(adapter) ? 'fetch' : adapter]
}

/** The good token is never given up for a worse one (rule 2). */
const KEPT = all('old')
/** A new token is served; no request fails meanwhile (rules 1, 4). */
const ADOPTED = all('old? → new')

/** No valid token: the reason, and nothing is sent (rule 3). A file can refuse nobody: it holds what it held. */
function refused(code, { before = '', file, vault }) {
  const own = `${before}${code}`
  return { fetch: own, undici: own, grpc: own, vault, proxy: `${before}ERR_PROXY_NO_TOKEN`, sink: file }
}
/** There never was a token. */
const neverOne = (code) => refused(code, { vault: 'ERR_VAULT_JWT_UNAVAILABLE', file: 'no file' })
/** The token's end came while nothing newer was on disk. */
const ended = (before, vault) => refused('ERR_TOKEN_EXPIRED', { before, vault, file: `${before}HTTP 401` })
/** Vault says that its token is dead, and there is no JWT for another login. */
const NO_LOGIN = 'old → HTTP 403 → ERR_VAULT_JWT_UNAVAILABLE'

const NO_SERVER = 'n/a: a file is sent to no server'
const NO_FILE = 'n/a: writes no file'

/** @type {Record<string, Record<string, string>>} by the fault's name, then by adapter */
export const EXPECTATIONS = {
  'atomic swap': ADOPTED,
  'EACCES after the swap, then chown': KEPT,
  'attribute storm, same content': KEPT,
  'file missing': KEPT,
  'directory missing': KEPT,
  'directory missing at the start, for longer than the start may take': neverOne('ERR_TOKEN_NOT_FOUND'),
  'tmpfs mounted over the watched directory': ADOPTED,
  'link dangles at the first mount': { ...all('waits'), sink: 'no file' },
  'link dangles': KEPT,
  'missing in mid-swap, again and again': KEPT,
  'rename over a plain file': ADOPTED,
  // A lease outlives the JWT that it was granted for.
  'subPath: the file is mounted by itself, and expires': ended('old → ', 'old'),
  'truncated, and empty for a while': KEPT,
  'truncated, and half written for a while': KEPT,
  'empty file': KEPT,
  'white space only': KEPT,
  'mode 000': KEPT,
  'mode 000 from the start, for longer than the start may take': neverOne('ERR_TOKEN_UNREADABLE'),
  'unmounted, and mounted again with a new token': KEPT,
  'volume exchanged for another directory': KEPT,
  'no inotify at all (ENOSYS)': ADOPTED,
  'no inotify watch left (ENOSPC)': ADOPTED,
  'no inotify instance left (EMFILE)': ADOPTED,
  'inotify silently dead': ADOPTED,
  'TokenRequest fails until the token on disk has expired': ended('old? → new → ', NO_LOGIN),
  'expired token instead of the good one': KEPT,
  'expiry a year ahead with warnafter': ADOPTED,
  'iat and nbf 50 s ahead': ADOPTED,
  'legacy token, where an audience is expected': KEPT,
  // Vault's jwt method takes no token without an audience.
  'legacy token, where no audience is expected': {
    ...ADOPTED,
    vault: 'old → HTTP 403 → ERR_VAULT_JWT_REFUSED',
  },
  'opaque token': KEPT,
  'byte order mark, spaces, CRLF around a new token': ADOPTED,
  'huge file': KEPT,
  'binary, with NUL': KEPT,
  'two tokens on two lines': KEPT,
  '50 swaps within milliseconds': ADOPTED,
  'same content, new inode': KEPT,
  'token of another audience': KEPT,
  'token of another issuer': KEPT,
  'token of another subject': KEPT,
  'older token reappears': KEPT,
  'bound object deleted: 401 before the expiry': {
    ...answered('HTTP 401'),
    sink: 'old? → HTTP 401',
    vault: 'n/a: Vault is not told of what happens to a JWT after the login',
  },
  'a directory in its place': KEPT,
  'a FIFO in its place': KEPT,
  'a device in its place': KEPT,
  'a loop of links': KEPT,
  'a file in the place of its directory (ENOTDIR)': KEPT,
  'a file that cannot be read (EIO)': KEPT,
  'rotated at the last moment (95 % of its life), the watch dead': ADOPTED,
  '`..data` missing for a while (the order of Windows)': KEPT,

  // The Vault token is revoked meanwhile. A login has a connection of its own, for which there is no descriptor until
  // something else ends: then it succeeds.
  'no file descriptor left (EMFILE), over a rotation': {
    ...KEPT,
    vault: 'old → HTTP 403? → ERR_VAULT_UNAVAILABLE? → network error? → …',
  },
  // A login that begins at the wake may still have the old JWT, which is valid.
  'event loop blocked for 10 s, over a rotation': { ...ADOPTED, vault: 'old? → new?' },
  // The JWT is as good as before: the next login has the same one.
  "stopped (SIGSTOP) over the end of Vault's lease": { ...all('n/a: has no lease'), vault: 'old' },
  'stopped (SIGSTOP) over a rotation': { ...ADOPTED, vault: 'old? → new?' },
  // Nobody writes the file while its writer stands still.
  'event loop blocked for 10 s, over an expiry': { ...ADOPTED, sink: 'old? → new → HTTP 401 → new' },
  'stopped (SIGSTOP) over an expiry': { ...ADOPTED, sink: 'old? → new → HTTP 401 → new' },
  // Vault's 403 may be the answer to what was under way.
  'stopped (SIGSTOP) over an expiry, and nothing newer on disk': ended(
    'old? → new → ',
    'old → HTTP 403? → ERR_VAULT_JWT_UNAVAILABLE',
  ),

  // By its own clock the token has expired. A lease is judged by both clocks.
  'wall clock 1 h ahead': clockAhead(),
  'wall clock 400 days ahead': clockAhead(),
  'wall clock 1 h back': KEPT,
  'wall clock 400 days back': KEPT,
  'wall clock 1 h back, over a rotation': ADOPTED,
  'wall clock 400 days back, over a rotation': ADOPTED,

  'server slow': { ...KEPT, sink: NO_SERVER },
  'server resets every connection': cutOff(),
  'server half-closes instead of answering': cutOff(),
  'server answers 401 to everything': { ...answered('HTTP 401'), vault: 'old? → HTTP 403', sink: NO_SERVER },
  'server redirects elsewhere': {
    fetch: 'old? → elsewhere, without the token',
    undici: 'old? → HTTP 307',
    grpc: 'n/a: gRPC has no redirects',
    vault: 'old? → ERR_VAULT_REDIRECT',
    proxy: 'old? → HTTP 307',
    sink: NO_SERVER,
  },

  'disk of the sink full, over a rotation': { ...all(NO_FILE), sink: 'old' },
  // A file can refuse nobody. New Vault tokens come, and have no place.
  "disk of vault agent's sink full, over the end of a lease": {
    ...all(NO_FILE),
    sink: 'old? → new? → HTTP 403',
  },
  'sidecar killed (SIGKILL) in mid-write, 12 times': {
    ...all(NO_FILE),
    proxy: 'old? → new? → network error → …',
    sink: 'old? → new',
  },
  'vault agent killed (SIGKILL) in mid-write, 12 times': { ...all(NO_FILE), sink: 'old? → new' },
}

/** What the product does not do yet: why, by fault and adapter. The expectation stays as it is. */
export const KNOWN_GAPS = {}

function all(outcome) {
  return Object.fromEntries(ADAPTERS.map((adapter) => [adapter, outcome]))
}

/** A refusal is the caller's to see, after one look for another token. */
function answered(status) {
  const http = `old? → ${status}`
  return { fetch: http, undici: http, grpc: 'old? → UNAUTHENTICATED', proxy: http }
}

function clockAhead() {
  const vault = 'old? → ERR_VAULT_TOKEN_EXPIRED? → ERR_VAULT_JWT_UNAVAILABLE'
  return refused('ERR_TOKEN_EXPIRED', { before: 'old? → ', vault, file: 'old' })
}

function cutOff() {
  return { ...all('old? → network error'), proxy: 'old? → ERR_PROXY_UPSTREAM_RESET', sink: NO_SERVER }
}
