import type { Colors } from '../colors.js'
import { formatDuration } from '../format.js'
import { printable } from '../printable.js'
import type { DoctorFinding, DoctorReport, Severity, TokenReport } from './diagnosis.js'
import { describeLogin } from './judge-vault.js'

const MAX_LENGTH = 2_000

/** The report for a person. Pure; every text from the token, the file or a server is made printable. */
export function renderDoctor(report: DoctorReport, colors: Colors): string {
  const { status, tokens, findings, examinedAtMs: nowMs } = report
  const lines: string[] = []
  if (status === 'healthy') {
    for (const token of tokens) lines.push(`${colors.green('✓ healthy:')} ${describeToken(token, nowMs)}`)
  } else {
    const paint = status === 'broken' ? colors.red : colors.yellow
    const mark = status === 'broken' ? '✗ broken:' : '! warnings:'
    lines.push(`${paint(mark)} ${printable(describeCounts(findings))}`)
  }
  const namesPaths = new Set(findings.map(({ path }) => path)).size > 1 || tokens.length > 1
  for (const finding of findings) lines.push('', ...renderFinding(finding, namesPaths, colors))
  return `${lines.join('\n')}\n`
}

function renderFinding(finding: DoctorFinding, namesPath: boolean, colors: Colors): string[] {
  const { severity, code, path, seen, why, remedy, docs } = finding
  const marks: Readonly<Record<Severity, string>> = {
    error: colors.red('✗'),
    warning: colors.yellow('!'),
    note: colors.dim('·'),
  }
  const about = namesPath && path !== undefined ? `  ${printable(path)}` : ''
  const line = (name: string, text: string) =>
    `  ${colors.dim(name.padEnd(4))}  ${printable(text, MAX_LENGTH)}`
  return [
    `${marks[severity]} ${colors.bold(code)}${about}  ${colors.dim(docs)}`,
    line('seen', seen),
    line('why', why),
    line('do', remedy),
  ]
}

function describeCounts(findings: readonly DoctorFinding[]): string {
  const counted = (['error', 'warning', 'note'] as const).flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length
    return count === 0 ? [] : [`${count} ${severity}${count === 1 ? '' : 's'}`]
  })
  return counted.join(', ')
}

/** One calm line. */
function describeToken({ path, token, file, watch, vault }: TokenReport, nowMs: number): string {
  const audience = token?.audience.join(', ') || 'no audience'
  const expires =
    token?.expiresAtMs === undefined
      ? 'no known expiry'
      : `expires in ${formatDuration(token.expiresAtMs - nowMs)}`
  const due =
    token?.rotationDueAtMs === undefined
      ? ''
      : `, is replaced in ${formatDuration(token.rotationDueAtMs - nowMs)}`
  const place = file?.layout === 'projection' ? ', in a volume that the kubelet updates' : ''
  const seen = watch?.state === 'told' ? ' and a watch sees' : ''
  return printable(
    `${path} is for ${audience}, ${expires}${due}${place}${seen}${vault ? describeLogin(vault) : ''}`,
    MAX_LENGTH,
  )
}
