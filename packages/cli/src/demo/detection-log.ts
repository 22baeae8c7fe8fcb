import { type Quantiles, quantiles } from './quantiles.js'

/** The two ways in which a watcher learns of a new token. */
export type DetectionWay = 'watch' | 'polling'

/** Matches what the kubelet published with what the watchers served. Times are monotonic milliseconds. */
export interface DetectionLog {
  published(fingerprint: string, atMs: number): void
  served(way: DetectionWay, fingerprint: string, atMs: number): void
  /** How long it took from the kubelet's write until a watcher served the token, by those that were seen. */
  latencies(way: DetectionWay): Quantiles
}

/** `onDetected` is told once a token and way. */
export function createDetectionLog(
  onDetected: (way: DetectionWay, fingerprint: string, latencyMs: number) => void,
): DetectionLog {
  const publishedAtMs = new Map<string, number>()
  const servedAtMs = { watch: new Map<string, number>(), polling: new Map<string, number>() }
  const latenciesMs = { watch: [] as number[], polling: [] as number[] }
  /** A watcher may be faster than the kubelet's call returns: whatever is told last makes the pair complete. */
  const match = (way: DetectionWay, fingerprint: string) => {
    const from = publishedAtMs.get(fingerprint)
    const to = servedAtMs[way].get(fingerprint)
    if (from === undefined || to === undefined) return
    latenciesMs[way].push(to - from)
    onDetected(way, fingerprint, to - from)
  }
  return {
    published(fingerprint, atMs) {
      publishedAtMs.set(fingerprint, atMs)
      match('watch', fingerprint)
      match('polling', fingerprint)
    },
    served(way, fingerprint, atMs) {
      servedAtMs[way].set(fingerprint, atMs)
      match(way, fingerprint)
    },
    latencies: (way) => quantiles(latenciesMs[way]),
  }
}
