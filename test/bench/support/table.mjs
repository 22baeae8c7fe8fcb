/** One aligned table of all results. */

const COLUMNS = ['metric', 'ours', 'baseline', 'ratio', 'goal', 'result']

/** @param rows objects with the columns as strings; one that is missing is left blank */
export function formatTable(rows) {
  const cells = [COLUMNS, ...rows.map((row) => COLUMNS.map((column) => row[column] ?? ''))]
  const widths = COLUMNS.map((_, index) => Math.max(...cells.map((line) => line[index].length)))
  const lines = cells.map((line) =>
    line
      .map((text, index) => text.padEnd(widths[index]))
      .join('  ')
      .trimEnd(),
  )
  const rule = widths.map((width) => '-'.repeat(width)).join('  ')
  return [lines[0], rule, ...lines.slice(1)].join('\n')
}

/**
 * One metric against several baselines: a row each, the metric and our value named once.
 *
 * @param baselines [{ baseline, ratio?, goal?, result? }]
 */
export function compare(metric, ours, baselines) {
  return baselines.map((row, index) => (index === 0 ? { metric, ours, ...row } : row))
}
