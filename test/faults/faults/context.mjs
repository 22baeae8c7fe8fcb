/**
 * What a fault acts on. Whoever runs clients (the matrix of test/faults, the soak of test/soak) makes one.
 *
 * @typedef {object} FaultContext
 * @property {import('@projected-token/testing').FakeKubelet} kubelet writes the token that all clients read
 * @property {FaultClient[]} clients the processes under test; none: faults of processes change nothing
 * @property {FaultServer[]} servers what the clients send to; none: faults of servers change nothing
 * @property {FaultSink[]} [sinks] token files that the clients write
 * @property {() => Promise<unknown>} untilLooked fulfils when every client has looked at the file twice since the
 *   call, for the first look may have begun before it
 * @property {(token: string) => void} [forbid] is told of a token that no correct client sends
 * @property {(adapter: string, text: string) => void} [remark] is told what makes the experiment worthless
 * @property {() => void} [onStop] is told when the clients begin to stand still: what is under way then arrives late
 * @property {{ url: string }} [elsewhere] a server that must never see a token; by default the fault starts one
 *
 * @typedef {object} FaultClient a process with `--import test/faults/support/control.mjs` and an IPC channel
 * @property {number} pid
 * @property {(command: string, ...args: unknown[]) => Promise<unknown>} control see support/control.mjs
 * @property {(signal: NodeJS.Signals) => void} signal
 *
 * @typedef {object} FaultServer
 * @property {import('../support/front.mjs').Front} front the connections to it
 * @property {(refuses: boolean | ((token: string) => boolean)) => void} refuse requests: with 401, 403 (Vault, which
 *   knows no tokens of the kubelet's, and refuses all or none) or UNAUTHENTICATED
 * @property {(url: string | undefined) => void} [redirect] every request there; absent where there are no redirects
 *
 * @typedef {object} FaultSink
 * @property {string} directory where the file is
 * @property {() => Promise<unknown>} write causes a new content of the file, sooner or later
 * @property {FaultClient & { restart: () => Promise<unknown>, exit: () => Promise<unknown> }} writer
 *
 * @typedef {object} Fault
 * @property {string} name
 * @property {number} [scenario] of the table of filesystem scenarios
 * @property {(context: FaultContext) => Promise<() => Promise<unknown>>} apply begins it; resolves with what ends it.
 *   In between, the kubelet may be busy: its other methods then wait for the end.
 * @property {boolean} [first] it is applied before the clients start
 * @property {boolean} [stops] between beginning and end the clients answer nothing
 * @property {boolean} [isOver] when `apply` resolves everything has happened, and nobody need look again
 * @property {boolean} [rotates] it ends with the newest token on disk, and no rotation after it may be needed
 * @property {boolean} [keepsSessions] Vault's tokens stay alive: in all other cases they are revoked while it lasts, so
 *   that a login happens
 * @property {boolean} [calm] it must not make a client hurry: neither reads nor requests in a loop
 * @property {RegExp} [says] what the error's message has to tell, where it is the token provider's own
 * @property {string[]} [watch] states that the watch may be in afterwards
 * @property {'control' | 'mounts' | 'other-user' | 'namespaces' | 'prlimit' | 'special-files'} [needs] see
 *   support/capabilities.mjs
 * @property {Launch} [launch] how the clients have to be started for it
 * @property {object} [kubelet] options of `startFakeKubelet()` that it wants
 * @property {{ ttlSeconds: number }} [vault] how long Vault's tokens live: an hour unless said
 * @property {boolean} [smallSinkDisk] the sinks' directory has to be a small disk of its own
 * @property {object} [watcher] options of `createTokenWatcher()` that it wants
 * @property {boolean} [isLong] it takes more than 15 s
 *
 * @typedef {'other-user' | 'agent' | 'no-watches' | 'no-instances' | 'no-inotify'} Launch
 */

/** What ends a fault that ends by itself. */
export const nothing = async () => {}
