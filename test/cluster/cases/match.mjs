/** @returns [{ name, expected, found }] of what is not as expected; nothing is expected of what has no name there */
export function mismatches(expected, measured) {
  return Object.entries(expected)
    .filter(([name, value]) => !matches(value, measured[name], measured))
    .map(([name, value]) => ({ name, expected: describe(value), found: measured[name] }))
}

function matches(expected, found, measured) {
  // Not measured: nothing is known.
  if (found === undefined) return false
  if (expected === 'as on disk') return found === measured['rotations since']
  if (expected instanceof RegExp) return expected.test(String(found))
  if (expected?.least !== undefined) return found >= expected.least
  if (expected?.most !== undefined) return found <= expected.most
  return found === expected
}

/** `≥ 8` */
export function describe(expected) {
  if (expected?.least !== undefined) return `≥ ${expected.least}`
  if (expected?.most !== undefined) return `≤ ${expected.most}`
  return String(expected)
}
