import { tokenFingerprint } from '@projected-token/core'
import { CliError } from '../cli-error.js'
import { EXIT } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { sleep } from '../sleep.js'
import { startLoad } from './demo-load.js'
import { type DemoReport, reportClient, reportDemo } from './demo-report.js'
import { buildStage, type DemoStage } from './demo-stage.js'
import { createDetectionLog, type DetectionLog } from './detection-log.js'

/** What `demo` was asked. */
export interface DemoRequest {
  durationMs: number
  rotateEveryMs: number
  /** Whether a client that reads the token once runs along. */
  naive: boolean
}

/** The demo while it runs. */
export interface DemoSnapshot extends DemoReport {
  readonly durationMs: number
  readonly token: { readonly fingerprint: string; readonly issuedAtMs: number; readonly expiresAtMs: number }
}

/** Sees it run. */
export interface DemoObserver {
  /** Some times a second. */
  onTick(snapshot: DemoSnapshot): void
  /** The watcher that has a watch serves a new token. */
  onRotation(snapshot: DemoSnapshot, latencyMs: number): void
}

const TICK_MS = 200
/**
 * How much longer a token lives than it is in use. `iat` and `exp` are whole seconds, which may cost one; a watcher
 * without a watch reads once a second; the rest is for a busy machine. Real tokens have minutes.
 */
const SPARE_LIFE_SECONDS = 6
/** As fast as the machine can, with a few requests under way at the same time. */
const FULL_SPEED = { parallel: 4, pauseMs: 0 }
/** The naive client's part is to be refused, not to take time from the others. */
const LEISURELY = { parallel: 1, pauseMs: 20 }

/** How long a token of the demo lives. */
export function tokenLifeMs(rotateEveryMs: number): number {
  return (Math.ceil(rotateEveryMs / 1_000) + SPARE_LIFE_SECONDS) * 1_000
}

/** Runs kubelet, server and clients for a while, cleans up behind them, and reports. */
export async function runDemo(request: DemoRequest, io: CliIo, observer: DemoObserver): Promise<DemoReport> {
  const lifeSeconds = tokenLifeMs(request.rotateEveryMs) / 1_000
  const stage = await buildStage(lifeSeconds, request.naive, io).catch((error: Error) => {
    throw new CliError(`The demo could not start: ${error.message}`, {
      code: 'ERR_DEMO_START',
      exitCode: EXIT.bad,
      remedy: 'It needs a writable directory for temporary files (TMPDIR) and ports on 127.0.0.1',
    })
  })
  try {
    return await play(stage, request, io, observer)
  } finally {
    await stage.close()
  }
}

async function play(
  stage: DemoStage,
  { durationMs, rotateEveryMs }: DemoRequest,
  { clock, signal: interrupted }: CliIo,
  observer: DemoObserver,
): Promise<DemoReport> {
  const { kubelet, server } = stage
  const stop = new AbortController()
  const signal = AbortSignal.any([interrupted, stop.signal])
  const startedAtMs = clock.monotonicNow()
  const ours = stage.ours.map((client) => startLoad(client, FULL_SPEED, clock, signal))
  const naive = stage.naive && startLoad(stage.naive, LEISURELY, clock, signal)

  const report = (): DemoReport => {
    const of = ({ load }: (typeof ours)[0]) => reportClient(load, server.tally(load.client.id))
    return reportDemo({
      interrupted: interrupted.aborted,
      elapsedMs: Math.round(clock.monotonicNow() - startedAtMs),
      rotateEveryMs,
      tokenLifeMs: tokenLifeMs(rotateEveryMs),
      rotations: kubelet.rotations,
      detections,
      ours: ours.map(of),
      naive: naive && of(naive),
    })
  }
  const snapshot = (): DemoSnapshot => {
    const { token, issuedAtMs = 0, expiresAtMs = 0 } = kubelet.current
    return {
      ...report(),
      durationMs,
      token: { fingerprint: tokenFingerprint(token), issuedAtMs, expiresAtMs },
    }
  }
  const detections = createDetectionLog((way, _fingerprint, latencyMs) => {
    if (way === 'watch') observer.onRotation(snapshot(), latencyMs)
  })
  logWatchers(stage, detections, clock.monotonicNow)

  const rotate = async () => {
    for (let dueMs = startedAtMs + rotateEveryMs; dueMs < startedAtMs + durationMs; dueMs += rotateEveryMs) {
      await sleep(clock, dueMs - clock.monotonicNow(), signal)
      if (signal.aborted) return
      const { token } = await kubelet.rotate()
      detections.published(tokenFingerprint(token), stage.publishedAtMs())
    }
  }
  const tick = async () => {
    while (!signal.aborted) {
      observer.onTick(snapshot())
      await sleep(clock, TICK_MS, signal)
    }
  }
  const rotating = rotate()
  const ticking = tick()
  try {
    // The two others end before the time is up only if they fail, or are interrupted.
    await Promise.race([sleep(clock, durationMs, signal), Promise.all([rotating, ticking])])
  } finally {
    stop.abort()
    await Promise.allSettled([rotating, ticking, naive?.done, ...ours.map(({ done }) => done)])
  }
  return report()
}

function logWatchers({ watching, polling }: DemoStage, detections: DetectionLog, now: () => number): void {
  for (const [way, watcher] of [
    ['watch', watching],
    ['polling', polling],
  ] as const) {
    watcher.on('rotated', ({ token }) => detections.served(way, tokenFingerprint(token.token), now()))
  }
}
