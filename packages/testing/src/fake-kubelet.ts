import { createAtomicWriter } from './atomic-writer.js'
import { checkAudience, checkNames, checkNumber, checkType } from './check-options.js'
import { createContentFaults } from './content-faults.js'
import { type DiscoveryServer, startDiscoveryServer } from './discovery-server.js'
import { FakeKubeletError } from './fake-kubelet-error.js'
import type { FakeKubelet } from './fake-kubelet-types.js'
import {
  checkClockSkew,
  type FakeKubeletOptions,
  type KubeletSettings,
  resolveKubeletOptions,
} from './kubelet-options.js'
import { createMountFaults } from './mount-faults.js'
import { createPodSync } from './pod-sync.js'
import { createProjection } from './projection.js'
import { createSerialQueue, type SerialQueue } from './serial-queue.js'
import { startSyncLoop } from './sync-loop.js'
import { checkAllTokenOptions } from './token-options.js'
import { createTokenIssuer } from './token-request.js'
import { createTokenSigner, type TokenSigner } from './token-signer.js'
import { createTemporaryDirectory, createVolume, removeDirectory } from './volume.js'
import { createWriteFaults } from './write-faults.js'

/**
 * Starts a kubelet for one token: resolves when the first token lies at `path`.
 *
 * It holds neither timers nor sockets that keep the process running.
 *
 * @throws TypeError or RangeError at once for a bad option. Rejects with a RangeError when this Node has not the
 *   `algorithm`, and with the operating system's error when the volume cannot be written.
 */
export function startFakeKubelet(options: FakeKubeletOptions = {}): Promise<FakeKubelet> {
  return start(resolveKubeletOptions(options))
}

async function start(settings: KubeletSettings): Promise<FakeKubelet> {
  const { algorithm, port } = settings
  const signer = await createTokenSigner(algorithm)
  const { jwks } = signer
  const server = settings.serve
    ? await startDiscoveryServer({ jwks, algorithm, issuer: settings.issuer, port })
    : undefined
  let temporary: string | undefined
  const cleanUp = async () => {
    await server?.close()
    if (temporary) await removeDirectory(temporary)
  }
  try {
    if (settings.directory === undefined) temporary = await createTemporaryDirectory()
    const directory = settings.directory ?? `${temporary}/tokens`
    const issuer = settings.issuer ?? server?.url ?? 'https://kubernetes.default.svc.cluster.local'
    return await mount(settings, { signer, issuer, server, directory, cleanUp })
  } catch (error) {
    await cleanUp()
    throw error
  }
}

/** What a volume needs of its surroundings. */
interface Surroundings {
  signer: TokenSigner
  issuer: string
  server: DiscoveryServer | undefined
  directory: string
  cleanUp: () => Promise<void>
}

async function mount(settings: KubeletSettings, surroundings: Surroundings): Promise<FakeKubelet> {
  const { signer, issuer, server, cleanUp } = surroundings
  const { clock, fileName, random, writer: order, uid, gid } = settings
  let { mode, clockSkewMs } = settings
  const now = () => clock.now()
  const apiServerNow = () => now() + clockSkewMs
  const volume = createVolume(surroundings.directory, settings.onFileOperation)
  const writer = createAtomicWriter(volume, { fileName, order, uid, gid, mode: () => mode, now })
  const tokens = createTokenIssuer(settings, issuer, signer, apiServerNow)
  const projection = await createProjection(volume, writer, tokens, now)

  let closing: Promise<void> | undefined
  const queue = createSerialQueue(
    'A callback that the fake kubelet waits for (a file operation or a pause) has called it: it would wait for itself',
  )
  const isClosed = () =>
    Promise.reject(new FakeKubeletError('The fake kubelet is closed', 'ERR_FAKE_KUBELET_CLOSED'))
  const serially: SerialQueue = (task) => (closing ? isClosed() : queue(task))

  const pod = createPodSync(projection, random)
  const stopSyncing = settings.autoRotate
    ? startSyncLoop({ ...settings, sync: () => pod.attempt(serially) })
    : () => {}

  async function end(): Promise<void> {
    let isRefused = true
    try {
      await queue(async () => {
        isRefused = false
        stopSyncing()
        await cleanUp()
      })
    } catch (error) {
      // Called from a callback that it would wait for: it is still open, and can be closed later.
      if (isRefused) closing = undefined
      throw error
    }
  }
  const close = () => {
    closing ??= end()
    return closing
  }

  return {
    ...createContentFaults(projection, serially),
    ...createWriteFaults(projection, serially, fileName),
    ...createMountFaults(projection, serially, fileName, (newMode) => {
      mode = newMode
    }),
    path: volume.at(fileName),
    directory: volume.directory,
    issuer,
    jwks: signer.jwks,
    url: server?.url,
    jwksUrl: server?.jwksUrl,
    get current() {
      return projection.current
    },
    get rotations() {
      return projection.rotations
    },
    get writtenAtMs() {
      return projection.writtenAtMs
    },
    get failedTokenRequests() {
      return projection.failedTokenRequests
    },
    get lastSyncError() {
      return pod.lastError
    },
    rotate(options = {}) {
      checkAllTokenOptions('rotate()', options)
      return serially(async () => projection.publish(await projection.request(options)))
    },
    sync: () => serially(pod.sync),
    issueToken(options = {}) {
      checkAllTokenOptions('issueToken()', options)
      // Not one after the other: nothing is written, so that a callback may sign one, too.
      return closing ? isClosed() : projection.request(options)
    },
    verify(token, options = {}) {
      checkType('token', token, 'string')
      checkNames('verify()', options, ['audience', 'issuer', 'clockToleranceMs'])
      const { audience = settings.audience, issuer: expectedIssuer = issuer, clockToleranceMs = 0 } = options
      checkAudience('audience', audience, { empty: true })
      checkAudience('issuer', expectedIssuer)
      checkNumber('clockToleranceMs', clockToleranceMs, { min: 0, max: 86_400_000, unit: 'milliseconds' })
      return signer.verify(token, {
        issuer: expectedIssuer,
        audience: [audience].flat(),
        nowMs: apiServerNow(),
        clockToleranceMs,
      })
    },
    setOutage(outage) {
      checkType('outage', outage, 'boolean')
      projection.outage = outage
    },
    setClockSkew(ms) {
      checkClockSkew(ms)
      clockSkewMs = ms
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
