export interface RequestRecord {
  client: string
  outcome: 'refused' | 'failed'
  startedAtMs: number
  endedAtMs: number
  oracleAccepted?: boolean | undefined
  oracleAcceptedFirst?: boolean | undefined
  publishedMs?: number | undefined
}
export interface FaultEntry {
  explains: string[]
  keepsFromReading?: string[] | undefined
  fromMs: number
  toMs?: number | undefined
}
export function reactionMs(client: string): number
export function judgeRecord(
  record: RequestRecord,
  faults: FaultEntry[],
): 'shared' | 'broken' | 'reacting' | 'violation'
export function isExplainedBy(record: RequestRecord, faults: FaultEntry[]): boolean
