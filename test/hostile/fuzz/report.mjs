/** Cases a second of a target's state or result. */
export const rateOf = ({ done, ms }) => (ms > 0 ? Math.round((done * 1_000) / ms) : 0)

/** The table at the end. */
export function formatRows(rows) {
  const heap = (row) => (row.heapGrowth === undefined ? '' : `${(row.heapGrowth / 2 ** 20).toFixed(1)} MiB`)
  const cells = rows.map((row) => [
    row.target,
    String(row.done),
    (row.ms / 1_000).toFixed(1),
    String(rateOf(row)),
    heap(row),
    row.failure ? 'FAILED' : 'ok',
  ])
  const done = rows.reduce((sum, row) => sum + row.done, 0)
  const ms = rows.reduce((sum, row) => sum + row.ms, 0)
  cells.unshift(['target', 'cases', 'seconds', 'cases/s', 'heap growth', 'result'])
  cells.push(['all', String(done), (ms / 1_000).toFixed(1), String(rateOf({ done, ms })), '', ''])
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)))
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
