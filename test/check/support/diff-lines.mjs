/** The lines that two texts do not share, in order: '- ' left, '+ ' right, with the line before each group. */
export function diffLines(left, right) {
  const [a, b] = [left.split('\n'), right.split('\n')]
  const common = commonLengths(a, b)
  const lines = []
  let [i, j] = [0, 0]
  let lastEqual
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lastEqual = a[i]
      i++
      j++
      continue
    }
    if (lastEqual !== undefined) lines.push(`  ${lastEqual}`)
    lastEqual = undefined
    if (j === b.length || (i < a.length && common[i + 1][j] >= common[i][j + 1])) lines.push(`- ${a[i++]}`)
    else lines.push(`+ ${b[j++]}`)
  }
  return lines
}

/** The length of the longest common subsequence of a[i…] and b[j…], for every i and j. */
function commonLengths(a, b) {
  const lengths = Array.from({ length: a.length + 1 }, () => new Array(b.length + 1).fill(0))
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i][j] =
        a[i] === b[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1])
    }
  }
  return lengths
}
