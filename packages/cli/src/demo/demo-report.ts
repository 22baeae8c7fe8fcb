import type { Load } from './demo-load.js'
import type { Tally } from './demo-server.js'
import type { DetectionLog } from './detection-log.js'
import { type Quantiles, quantiles } from './quantiles.js'

/** One client's part. Counts are the server's, but for `failed`. */
export interface ClientReport {
  readonly id: string
  readonly title: string
  readonly requests: number
  readonly refused: number
  readonly unauthenticated: number
  /** Requests without an answer. */
  readonly failed: number
  /** Of the last requests. */
  readonly latency: Quantiles
}

/** What `demo --json` prints. */
export interface DemoReport {
  /** Every request of ours was accepted, and tokens were rotated meanwhile. */
  readonly ok: boolean
  readonly interrupted: boolean
  readonly elapsedMs: number
  readonly rotateEveryMs: number
  readonly tokenLifeMs: number
  readonly rotations: number
  /** Of {@link clients} together. */
  readonly requests: number
  readonly refused: number
  readonly unauthenticated: number
  readonly failed: number
  /** From the kubelet's write until the watcher served the new token. */
  readonly detection: { readonly watch: Quantiles; readonly polling: Quantiles }
  readonly clients: readonly ClientReport[]
  /** For contrast: a client that read the token once. It counts for nothing else here. */
  readonly naive: ClientReport | undefined
}

/** What a report is made of. */
export interface DemoFacts
  extends Pick<DemoReport, 'interrupted' | 'elapsedMs' | 'rotateEveryMs' | 'tokenLifeMs' | 'rotations'> {
  readonly detections: DetectionLog
  readonly ours: readonly ClientReport[]
  readonly naive: ClientReport | undefined
}

export function reportClient({ client, failed, latenciesMs }: Load, tally: Readonly<Tally>): ClientReport {
  return {
    id: client.id,
    title: client.title,
    requests: tally.accepted + tally.refused,
    refused: tally.refused,
    unauthenticated: tally.unauthenticated,
    failed,
    latency: quantiles(latenciesMs()),
  }
}

/** Adds up, and judges: a demo in which nothing happened is no success. Pure. */
export function reportDemo(facts: DemoFacts): DemoReport {
  const { detections, ours, naive, ...rest } = facts
  const sum = (of: (client: ClientReport) => number) => ours.reduce((total, client) => total + of(client), 0)
  const refused = sum((client) => client.refused)
  const unauthenticated = sum((client) => client.unauthenticated)
  const failed = sum((client) => client.failed)
  const worked = facts.rotations > 0 && ours.every((client) => client.requests > 0)
  return {
    ok: worked && refused + unauthenticated + failed === 0,
    ...rest,
    requests: sum((client) => client.requests),
    refused,
    unauthenticated,
    failed,
    detection: { watch: detections.latencies('watch'), polling: detections.latencies('polling') },
    clients: ours,
    naive,
  }
}
