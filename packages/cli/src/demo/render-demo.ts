import type { Colors } from '../colors.js'
import { formatCount, formatDuration, formatLatency } from '../format.js'
import type { ClientReport, DemoReport } from './demo-report.js'
import type { Quantiles } from './quantiles.js'
import type { DemoSnapshot } from './run-demo.js'

const BAR_WIDTH = 24
const TITLE_WIDTH = 28

/** What is about to be seen. */
export function renderIntroduction(rotateEveryMs: number, tokenLifeMs: number, colors: Colors): string {
  const text = [
    `A stand-in for the kubelet writes tokens that live ${seconds(tokenLifeMs)}, a new one every ${seconds(rotateEveryMs)}.`,
    'A server checks signature, audience and expiry of every request, without leeway.',
    'Nothing leaves this machine.',
  ]
  return `${text.map((line) => colors.dim(line)).join('\n')}\n\n`
}

/** The moving part, for a terminal. Pure. */
export function renderLive(snapshot: DemoSnapshot, nowMs: number, colors: Colors): string[] {
  const { token, rotations, elapsedMs, durationMs } = snapshot
  const leftMs = Math.max(0, token.expiresAtMs - nowMs)
  const share = leftMs / Math.max(1, token.expiresAtMs - token.issuedAtMs)
  const bar = '█'.repeat(Math.round(Math.min(1, share) * BAR_WIDTH)).padEnd(BAR_WIDTH, '░')
  return [
    `${colors.bold('demo')}  ${seconds(elapsedMs)} of ${seconds(durationMs)}   ${formatCount(rotations)} rotations`,
    `token ${colors.bold(token.fingerprint)}  ${colors.green(bar)}  ${seconds(leftMs)} left`,
    '',
    ...renderClients(snapshot, colors),
    '',
    ...renderDetection(snapshot),
  ]
}

/** One line for one rotation, where nothing can move. Pure. */
export function renderRotation(snapshot: DemoSnapshot, latencyMs: number): string {
  const { elapsedMs, rotations, token, requests, refused, naive } = snapshot
  const contrast = naive ? `; read once: ${formatCount(naive.refused)} refused` : ''
  return (
    `${seconds(elapsedMs).padStart(6)}  rotation ${rotations}: ${token.fingerprint} served after ` +
    `${milliseconds(latencyMs)}; ${formatCount(requests)} requests, ${formatCount(refused)} refused${contrast}\n`
  )
}

/** What the demo showed. Pure. */
export function renderSummary(report: DemoReport, colors: Colors): string {
  const { elapsedMs, rotations, requests, tokenLifeMs } = report
  const lines = [
    '',
    `${formatCount(rotations)} rotations and ${formatCount(requests)} requests in ${seconds(elapsedMs)}, ` +
      `with tokens that live ${seconds(tokenLifeMs)}`,
    '',
    ...renderClients(report, colors),
    '',
    ...renderDetection(report),
    '',
    verdict(report, colors),
  ]
  return `${lines.join('\n')}\n`
}

function renderClients({ clients, naive, elapsedMs }: DemoReport, colors: Colors): string[] {
  const columns = (title: string, cells: readonly string[]) =>
    `${title.padEnd(TITLE_WIDTH)}${cells.map((cell) => cell.padStart(10)).join('')}`
  const row = (client: ClientReport) =>
    columns(client.title, [
      formatCount(client.requests),
      formatCount(Math.round(client.requests / Math.max(0.001, elapsedMs / 1_000))),
      formatCount(client.refused),
      milliseconds(client.latency.p50Ms),
      milliseconds(client.latency.p99Ms),
    ])
  const bad = (client: ClientReport) => client.refused + client.unauthenticated + client.failed > 0
  return [
    colors.dim(columns('client', ['requests', 'per s', 'refused', 'p50', 'p99'])),
    ...clients.map((client) => (bad(client) ? colors.red(row(client)) : row(client))),
    ...(naive ? [colors.yellow(row(naive))] : []),
  ]
}

function renderDetection({ detection }: DemoReport): string[] {
  const line = (way: string, { count, p50Ms, p99Ms, maxMs }: Quantiles) => {
    const spread = `p50 ${milliseconds(p50Ms)}, p99 ${milliseconds(p99Ms)}, max ${milliseconds(maxMs)}`
    return `new token served after  ${way.padEnd(14)}${count === 0 ? '-' : `${spread} (${count} seen)`}`
  }
  return [line('with a watch', detection.watch), line('polling only', detection.polling)]
}

function verdict(report: DemoReport, colors: Colors): string {
  const { ok, refused, unauthenticated, failed, rotations, requests, interrupted } = report
  const until = interrupted ? ' until it was interrupted' : ''
  if (ok) return colors.green(`✓ no request was refused, none was sent without a token${until}`)
  if (refused + unauthenticated + failed > 0) {
    return colors.red(
      `✗ ${formatCount(refused)} requests were refused (${formatCount(unauthenticated)} had no token), ` +
        `${formatCount(failed)} got no answer${until}`,
    )
  }
  return colors.red(`✗ nothing was shown: ${rotations} rotations, ${requests} requests${until}`)
}

function seconds(durationMs: number): string {
  return durationMs < 60_000 ? `${(durationMs / 1_000).toFixed(1)} s` : formatDuration(durationMs)
}

function milliseconds(durationMs: number | undefined): string {
  if (durationMs === undefined) return '-'
  return durationMs < 10 ? `${durationMs.toFixed(1)} ms` : formatLatency(durationMs)
}
