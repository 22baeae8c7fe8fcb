import type { Clock } from '@projected-token/core'
import type { WriterOrder } from './atomic-writer.js'
import { checkAudience, checkChoice, checkNames, checkNumber, checkType, kindOf } from './check-options.js'
import { machineClock } from './real-time.js'
import { checkTokenOptions } from './token-options.js'
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from './token-signer.js'
import type { FileOperationObserver } from './volume.js'

/** Options of {@link startFakeKubelet}. */
export interface FakeKubeletOptions {
  /**
   * The volume's directory; made if it is missing, left in place by `close()`.
   * @default a new temporary one, which `close()` removes
   */
  directory?: string | undefined
  /** The token's path in the volume, with `/` between names; no name may be `..`. @default 'token' */
  fileName?: string | undefined
  /** `aud`. @default 'vault', as in Kubernetes' and Vault's documentation */
  audience?: string | string[] | undefined
  /**
   * Life of a token in seconds: 1 to 2³². A real API server takes no less than 600. @default 3600, the default of a
   * pod's `serviceAccountToken` source
   */
  expirationSeconds?: number | undefined
  /**
   * Whether tokens carry an `exp` one year ahead and `kubernetes.io.warnafter` after `expirationSeconds`, as API
   * servers write the tokens for themselves. The rotation stays the same. @default false
   */
  extendedExpiration?: boolean | undefined
  /**
   * `iss`. It need not be a URL.
   * @default the URL that serves the keys; 'https://kubernetes.default.svc.cluster.local' when nothing is served
   */
  issuer?: string | undefined
  /** @default 'default' */
  namespace?: string | undefined
  /** @default 'build-robot', as in Kubernetes' documentation */
  serviceAccount?: string | undefined
  /** @default 'nginx', as in Kubernetes' documentation */
  podName?: string | undefined
  /** @default 'RS256', the default of API servers; 'ES256' makes its key in less time */
  algorithm?: SigningAlgorithm | undefined
  /** The order of the file operations. @default 'current' */
  writer?: WriterOrder | undefined
  /**
   * Permission bits of the file, 0 to 0o777.
   * @default the kubelet's rule: 0o600 with a `uid`, 0o640 with a `gid` or both, 0o644 with neither
   */
  mode?: number | undefined
  /** The pod's `runAsUser`: owner of the file. Another than the process' own needs root. @default not changed */
  uid?: number | undefined
  /** The pod's `fsGroup`: group of everything in the volume. One not the process' own needs root. @default not changed */
  gid?: number | undefined
  /** Time for tokens, rotation and timers; {@link createFakeClock} makes one for tests. @default the machine's */
  clock?: Clock | undefined
  /** Whether the token is replaced when it is due, without being asked. @default true, as a real kubelet does */
  autoRotate?: boolean | undefined
  /**
   * How often the pod syncs, in milliseconds, 1 to 86,400,000; each interval is 1 to 1.5 times as long, at random.
   * @default 60_000: the kubelet looks every 60 to 90 s
   */
  syncPeriodMs?: number | undefined
  /** How far the API server's clock, which `iat` and `exp` follow, is ahead of the node's. @default 0 */
  clockSkewMs?: number | undefined
  /** Whether the keys are served on 127.0.0.1. @default true */
  serve?: boolean | undefined
  /** TCP port of the key server, 0 to 65535; 0: any free one. @default 0 */
  port?: number | undefined
  /** Gives 0 or more, less than 1: for the jitters of sync and refresh alone. @default Math.random */
  random?: (() => number) | undefined
  /**
   * Sees every operation on the volume after it is done, from the first write on; the next one waits for a promise
   * that it returns. So a test can look at any state in between. It must not wait for the kubelet itself.
   */
  onFileOperation?: FileOperationObserver | undefined
}

/** {@link FakeKubeletOptions}, checked and complete but for what cannot be known yet. */
export type KubeletSettings = ReturnType<typeof resolveKubeletOptions>

const MAX_ID = 2 ** 32 - 2
const FUNCTIONS_OF_CLOCK = ['now', 'monotonicNow', 'setTimer'] as const

/** @throws TypeError or RangeError naming the option. */
export function resolveKubeletOptions(options: FakeKubeletOptions) {
  checkNames('startFakeKubelet()', options, [
    'directory',
    'fileName',
    'audience',
    'expirationSeconds',
    'extendedExpiration',
    'issuer',
    'namespace',
    'serviceAccount',
    'podName',
    'algorithm',
    'writer',
    'mode',
    'uid',
    'gid',
    'clock',
    'autoRotate',
    'syncPeriodMs',
    'clockSkewMs',
    'serve',
    'port',
    'random',
    'onFileOperation',
  ])
  const { audience = 'vault', clock = machineClock } = options
  const settings = {
    directory: options.directory,
    fileName: options.fileName ?? 'token',
    audience: [audience].flat(),
    expirationSeconds: options.expirationSeconds ?? 3_600,
    extendedExpiration: options.extendedExpiration ?? false,
    issuer: options.issuer,
    namespace: options.namespace ?? 'default',
    serviceAccount: options.serviceAccount ?? 'build-robot',
    podName: options.podName ?? 'nginx',
    algorithm: options.algorithm ?? 'RS256',
    writer: options.writer ?? 'current',
    mode: options.mode,
    uid: options.uid,
    gid: options.gid,
    clock,
    autoRotate: options.autoRotate ?? true,
    syncPeriodMs: options.syncPeriodMs ?? 60_000,
    clockSkewMs: options.clockSkewMs ?? 0,
    serve: options.serve ?? true,
    port: options.port ?? 0,
    random: options.random ?? Math.random,
    onFileOperation: options.onFileOperation,
  }
  checkAudience('audience', audience)
  checkTokenOptions(settings)
  for (const name of ['fileName', 'namespace', 'serviceAccount', 'podName'] as const) {
    checkType(name, settings[name], 'string')
  }
  if (settings.directory !== undefined) checkType('directory', settings.directory, 'string')
  checkFileName(settings.fileName)
  checkChoice('algorithm', settings.algorithm, SIGNING_ALGORITHMS)
  checkChoice('writer', settings.writer, ['current', 'v1.20', 'windows'])
  if (settings.mode !== undefined) checkMode(settings.mode)
  for (const name of ['uid', 'gid'] as const) {
    if (settings[name] !== undefined)
      checkNumber(name, settings[name], { min: 0, max: MAX_ID, integer: true })
  }
  for (const name of ['autoRotate', 'serve'] as const) checkType(name, settings[name], 'boolean')
  checkNumber('syncPeriodMs', settings.syncPeriodMs, { min: 1, max: 86_400_000, unit: 'milliseconds' })
  checkClockSkew(settings.clockSkewMs)
  checkNumber('port', settings.port, { min: 0, max: 65_535, integer: true })
  checkType('random', settings.random, 'function')
  if (settings.onFileOperation !== undefined)
    checkType('onFileOperation', settings.onFileOperation, 'function')
  if (FUNCTIONS_OF_CLOCK.some((name) => typeof clock?.[name] !== 'function')) {
    throw new TypeError(
      `'clock' must have the functions ${FUNCTIONS_OF_CLOCK.join(', ')}; got ${kindOf(clock)}`,
    )
  }
  return settings
}

/** @throws TypeError or RangeError unless `mode` is permission bits. */
export function checkMode(mode: unknown): void {
  if (typeof mode === 'number' && Number.isInteger(mode) && mode >= 0 && mode <= 0o777) return
  const expected = "'mode' must be permission bits, a whole number from 0 to 0o777"
  if (typeof mode !== 'number') throw new TypeError(`${expected}; got ${kindOf(mode)}`)
  throw new RangeError(`${expected}; got ${mode}`)
}

/** Ten years either way: a clock that is off by more is no clock. @throws TypeError or RangeError */
export function checkClockSkew(ms: unknown): void {
  const max = 10 * 365 * 86_400_000
  checkNumber('clockSkewMs', ms, { min: -max, max, unit: 'milliseconds' })
}

/** `validatePath` of Kubernetes' atomic writer, and no empty names. */
function checkFileName(fileName: string): void {
  const names = fileName.split('/')
  const isBad = (name: string) => ['', '.', '..'].includes(name) || name.length > 255 || name.includes('\0')
  if (fileName.length > 4_096 || names.some(isBad) || names[0]?.startsWith('..')) {
    throw new RangeError(
      "'fileName' must be a relative path of at most 4,096 characters whose names are at most 255 long, none of " +
        "them empty, '.' or '..', the first not starting with '..'; got another string",
    )
  }
}
