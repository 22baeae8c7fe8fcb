/** An aligned table. */

/** @param rows the first holds the headings; cells are strings or numbers. Numbers stand to the right. */
export function formatTable([headings, ...rows]) {
  const cells = [headings, ...rows.map((row) => row.map(formatCell))]
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => row[column].length)))
  const isNumeric = headings.map((_, column) => rows.every((row) => typeof row[column] === 'number'))
  const format = (row) =>
    row
      .map((cell, column) =>
        isNumeric[column] ? cell.padStart(widths[column]) : cell.padEnd(widths[column]),
      )
      .join(' | ')
  const [head, ...body] = cells.map((row) => `| ${format(row)} |`)
  const rule = widths.map((width, column) => `${'-'.repeat(width - 1)}${isNumeric[column] ? ':' : '-'}`)
  return [head, `| ${rule.join(' | ')} |`, ...body].join('\n')
}

const formatCell = (cell) => (typeof cell === 'number' ? cell.toLocaleString('en-US') : String(cell ?? ''))

export const megabytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MB`
