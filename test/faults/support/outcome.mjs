/** Whether what was seen in a cell is what is written in the table. Pure. */

const SEPARATOR = ' → '
const AGAIN = '…'
const MAX_SHOWN = 6

/** @returns {string | undefined} why a cell is not run */
export function notApplicable(expected) {
  return /^n\/a: (.+)$/.exec(expected)?.[1]
}

/** @returns {{ name: string, isOptional: boolean }[]} */
export function parseOutcome(expected) {
  if (expected === 'waits') return []
  const phases = expected.split(SEPARATOR).filter((phase) => phase !== AGAIN)
  return phases.map((phase) => {
    const isOptional = phase.endsWith('?')
    return { name: isOptional ? phase.slice(0, -1) : phase, isOptional }
  })
}

/** Each kind once, in the order in which it was seen; a kind that comes again is another phase. */
export function phasesOf(labels) {
  return labels.filter((label, index) => label !== labels[index - 1])
}

/** @param {string} expected a cell of the table @param {string[]} phases */
export function isAsExpected(expected, phases) {
  const isRepeated = expected.endsWith(`${SEPARATOR}${AGAIN}`)
  const wanted = parseOutcome(expected)
  const names = new Set(wanted.map(({ name }) => name))
  const fits = (from, at) => {
    if (from === wanted.length && isRepeated) return phases.slice(at).every((phase) => names.has(phase))
    if (from === wanted.length) return at === phases.length
    const { name, isOptional } = wanted[from]
    if (isOptional && fits(from + 1, at)) return true
    if (name !== phases[at]) return false
    // The phase left out between two equal ones joins them.
    return fits(from + 1, at + 1)
  }
  return fits(0, 0)
}

/** As the table writes it; a long to and fro is cut. */
export function describePhases(phases) {
  if (phases.length === 0) return 'waits'
  const shown = phases.length > MAX_SHOWN ? [...phases.slice(0, MAX_SHOWN), AGAIN] : phases
  return shown.join(SEPARATOR)
}
