/** The matrix as text. */
const SIGNS = { good: '✓', different: '✗', gap: '!', skipped: '-', 'n/a': '', expected: '' }
const TITLES = { grpc: 'gRPC', vault: 'Vault', proxy: 'sidecar proxy' }

/** A Markdown table, whose columns are aligned for terminals. */
export function renderTable(rows, adapters) {
  const notes = []
  const noteOf = (text) => {
    if (!notes.includes(text)) notes.push(text)
    return `(${notes.indexOf(text) + 1})`
  }
  const cellText = ({ outcome, seen }) => {
    const text = outcome === 'n/a' || outcome === 'skipped' ? `${outcome} ${noteOf(seen)}` : seen
    return `${SIGNS[outcome]} ${text}`.trim()
  }
  const lines = [
    ['#', 'fault', ...adapters.map((adapter) => TITLES[adapter] ?? adapter)],
    ...rows.map(({ fault, cells }) => [
      String(fault.scenario ?? ''),
      fault.name,
      ...adapters.map((adapter) => cellText(cells[adapter])),
    ]),
  ]
  const widths = lines[0].map((_title, column) => Math.max(...lines.map((line) => line[column].length)))
  const render = (line) => `| ${line.map((text, column) => text.padEnd(widths[column])).join(' | ')} |`
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  const table = [render(lines[0]), rule, ...lines.slice(1).map(render)].join('\n')
  const list = notes.map((note, index) => `(${index + 1}) ${note}`).join('\n')
  return list === '' ? table : `${table}\n\n${list}`
}

/** How many cells came out how. */
export function renderSummary(rows) {
  const outcomes = rows.flatMap(({ cells }) => Object.values(cells).map(({ outcome }) => outcome))
  const count = (name) => outcomes.filter((outcome) => outcome === name).length
  const ran = outcomes.length - count('n/a') - count('skipped')
  const parts = [`${count('good')} of ${ran} cells as expected`]
  if (count('gap') > 0) parts.push(`${count('gap')} known gaps`)
  if (count('skipped') > 0) parts.push(`${count('skipped')} skipped`)
  if (count('n/a') > 0) parts.push(`${count('n/a')} not applicable`)
  return parts.join(', ')
}

export function renderJson(rows) {
  const cells = rows.flatMap(({ fault, cells }) =>
    Object.entries(cells).map(([adapter, { outcome, expected, seen, gap }]) => ({
      fault: fault.name,
      scenario: fault.scenario,
      ...{ adapter, outcome, expected, seen, gap },
    })),
  )
  return JSON.stringify(cells, undefined, 2)
}
