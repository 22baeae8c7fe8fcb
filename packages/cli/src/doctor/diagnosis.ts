import type { Judgement } from '../inspect/findings.js'
import type { FileFacts, SignatureFacts, TokenFacts } from '../inspect/inspection.js'
import { adviceOn } from './catalogue.js'
import type { VaultFacts } from './log-in-once.js'
import type { WatchFacts } from './probe-watch.js'
import type { MountFacts, UserFacts } from './surroundings.js'

/** `error`: it does not work; `warning`: it will stop working, or works by luck; `note`: it is good to know. */
export type Severity = 'error' | 'warning' | 'note'

/** Something that `doctor` found. */
export interface DoctorFinding {
  readonly severity: Severity
  /** Stable: scripts may compare it. */
  readonly code: string
  /** The token it is about; `undefined`: the container. */
  readonly path: string | undefined
  readonly seen: string
  /** Why it matters. */
  readonly why: string
  /** What to do. */
  readonly remedy: string
  /** Where it is documented: a URL. */
  readonly docs: string
}

/** The facts about one token that the findings come from. */
export interface TokenReport {
  readonly path: string
  readonly file: FileFacts | undefined
  readonly token: TokenFacts | undefined
  readonly signature: SignatureFacts
  readonly mount: MountFacts | undefined
  readonly watch: WatchFacts | undefined
  /** `undefined`: without `--vault`. */
  readonly vault: VaultFacts | undefined
}

/** What `doctor --json` prints. */
export interface DoctorReport {
  readonly status: 'healthy' | 'warnings' | 'broken'
  readonly examinedAtMs: number
  readonly user: UserFacts | undefined
  readonly tokens: readonly TokenReport[]
  /** Errors first. */
  readonly findings: readonly DoctorFinding[]
}

const RANK: Readonly<Record<Severity, number>> = { error: 0, warning: 1, note: 2 }

/** Adds to a judgement what is always true of its code. Pure. */
export function toFinding(judgement: Judgement, path: string | undefined): DoctorFinding {
  const { code, seen } = judgement
  const { why, remedy, docs, isNote } = adviceOn(code)
  const severity = isNote && judgement.severity === 'warning' ? 'note' : judgement.severity
  return { severity, code, path, seen, why, remedy: judgement.remedy ?? remedy, docs }
}

/** The worst first; what is equally bad stays in its order. Pure. */
export function bySeverity(findings: readonly DoctorFinding[]): DoctorFinding[] {
  return [...findings].sort((a, b) => RANK[a.severity] - RANK[b.severity])
}

/** What the findings come to. Pure. */
export function statusOf(findings: readonly DoctorFinding[]): DoctorReport['status'] {
  if (findings.some(({ severity }) => severity === 'error')) return 'broken'
  return findings.some(({ severity }) => severity === 'warning') ? 'warnings' : 'healthy'
}
