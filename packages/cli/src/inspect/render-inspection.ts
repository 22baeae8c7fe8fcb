import type { ObjectReference } from '@projected-token/core'
import type { Colors } from '../colors.js'
import { formatCount, formatDuration, formatMoment } from '../format.js'
import { printable } from '../printable.js'
import type { FileFacts, Finding, Inspection, SignatureFacts, TokenFacts } from './inspection.js'

/** A name, and what is said under it; rows without a value are left out. */
type Section = readonly [title: string, rows: readonly Row[]]
type Row = readonly [name: string, value: string | undefined]

const NAME_WIDTH = 15

const KINDS: Readonly<Record<TokenFacts['kind'], string>> = {
  bound: 'bound (a JWT with an expiry)',
  legacy: "legacy (a Secret's JWT, without expiry)",
  unexpiring: 'a JWT without expiry',
  opaque: 'opaque (not a JWT)',
}

const LAYOUTS: Readonly<Record<FileFacts['layout'], string>> = {
  projection: 'projection: in a volume that the kubelet updates',
  plain: 'plain: a file that something else has to replace',
  'mounted-file': 'mounted by itself (subPath): never updated',
  missing: 'missing',
}

/** The report for a person. Pure; every text from the token or the file is made printable. */
export function renderInspection(inspection: Inspection, colors: Colors): string {
  const { file, token, signature, inspectedAtMs: nowMs } = inspection
  const sections: Section[] = [
    ...(token && token.kind !== 'opaque' ? [whoSection(token), forSection(token)] : []),
    ...(token ? [lifeSection(token, nowMs), tokenSection(token, signature)] : []),
    ['File', fileRows(inspection.path, file, nowMs)],
  ]
  const lines = [headline(inspection, colors)]
  for (const [title, rows] of sections) {
    const told = rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
    if (told.length === 0) continue
    lines.push('', colors.bold(title))
    for (const [name, value] of told) {
      lines.push(`  ${colors.dim(name.padEnd(NAME_WIDTH))}  ${printable(value, 400)}`)
    }
  }
  if (inspection.findings.length > 0) lines.push('', colors.bold('Findings'))
  for (const finding of inspection.findings) lines.push(renderFinding(finding, colors))
  return `${lines.join('\n')}\n`
}

function headline({ ok, token, findings, inspectedAtMs }: Inspection, colors: Colors): string {
  if (!ok) {
    const codes = findings.filter(({ severity }) => severity === 'error').map(({ code }) => code)
    return colors.red(`✗ not usable: ${codes.join(', ')}`)
  }
  const count = findings.length
  const warnings = count === 0 ? '' : `, ${count} ${count === 1 ? 'warning' : 'warnings'}`
  const life =
    token?.expiresAtMs === undefined
      ? 'no known expiry'
      : `expires in ${formatDuration(token.expiresAtMs - inspectedAtMs)}`
  return `${colors.green('✓ usable')}: ${life}${colors.yellow(warnings)}`
}

function whoSection(token: TokenFacts): Section {
  return [
    'Who',
    [
      ['subject', token.subject ?? 'not named'],
      ['namespace', token.namespace],
      ['service account', describeReference(token.serviceAccount)],
      ['pod', describeReference(token.pod)],
      ['node', describeReference(token.node)],
    ],
  ]
}

function forSection(token: TokenFacts): Section {
  const audience = token.audience.length === 0 ? 'none named' : token.audience.join(', ')
  return [
    'For whom',
    [
      ['audience', audience],
      ['issuer', token.issuer ?? 'not named'],
    ],
  ]
}

function lifeSection(token: TokenFacts, nowMs: number): Section {
  const moment = (timeMs: number | undefined) =>
    timeMs === undefined ? undefined : formatMoment(timeMs, nowMs)
  const startsLater = token.notBeforeMs !== token.issuedAtMs
  return [
    'Life',
    [
      ['issued', moment(token.issuedAtMs)],
      ['not before', startsLater ? moment(token.notBeforeMs) : undefined],
      ['expires', moment(token.expiresAtMs) ?? 'unknown or never'],
      ['stale after', moment(token.warnAfterMs)],
      ['rotation due', moment(token.rotationDueAtMs)],
      ['overdue from', moment(token.overdueAtMs)],
    ],
  ]
}

function tokenSection(token: TokenFacts, signature: SignatureFacts): Section {
  const signedBy = token.algorithm && `${token.algorithm}, key id ${token.keyId ?? 'none'}`
  return [
    'Token',
    [
      ['kind', KINDS[token.kind]],
      ['fingerprint', token.fingerprint],
      ['id', token.id],
      ['signed by', signedBy],
      ['signature', describeSignature(signature)],
    ],
  ]
}

function describeSignature({ state, keyId, source, reason }: SignatureFacts): string {
  if (state === 'unchecked') return 'not checked (give the keys with --jwks)'
  if (state === 'valid') return `valid (key id ${keyId ?? 'none'} of ${source})`
  return `${state}: ${reason}`
}

function fileRows(path: string, file: FileFacts | undefined, nowMs: number): Row[] {
  if (!file) return [['path', path]]
  return [
    ['path', path],
    ['layout', LAYOUTS[file.layout]],
    ['watched', file.directory],
    ['mode', `${file.mode}, owner ${file.uid}, group ${file.gid}`],
    ['size', `${formatCount(file.sizeBytes)} bytes`],
    ['written', formatMoment(file.modifiedAtMs, nowMs)],
  ]
}

function describeReference(reference: ObjectReference | undefined): string | undefined {
  return (
    reference && (reference.uid === undefined ? reference.name : `${reference.name} (uid ${reference.uid})`)
  )
}

function renderFinding({ severity, code, message }: Finding, colors: Colors): string {
  const mark = severity === 'error' ? colors.red('✗') : colors.yellow('!')
  return `  ${mark} ${code}: ${printable(message, 2_000)}`
}
