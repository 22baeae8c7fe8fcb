/** What came out, as tables in Markdown. Pure. */
import { EXPECTATIONS } from './cases/expectations.mjs'
import { describe, mismatches } from './cases/match.mjs'

const LEAST_ROTATIONS = 100

/** @returns { text, problems } */
export function report({ doctor = [], ...results }) {
  const names = Object.keys(EXPECTATIONS)
  const total = Object.values(results).reduce((sum, { rotations = 0 }) => sum + rotations, 0)
  const problems = names.flatMap((name) => problemsOf(name, results[name]))
  if (total < LEAST_ROTATIONS) problems.push(`${total} rotations in all; ${LEAST_ROTATIONS} were expected`)
  for (const { about, pod, expected, found } of doctor) {
    if (expected !== found) problems.push(`doctor, ${about} (${pod}): ${found}; expected: ${expected}`)
  }
  const rows = names.filter((name) => results[name]).map((name) => [name, results[name]])
  const text = [
    table(
      [
        'case',
        'mode, owner',
        'rotations',
        'seen',
        'requests',
        'refused',
        'withheld',
        'status',
        'as expected',
      ],
      rows.map(([name, one]) => [
        ...[
          name,
          one.mode,
          one.rotations,
          `${one['sdk rotations']} of ${one['rotations since']}`,
          one['sdk sent'],
          one['sdk refused'],
        ],
        ...[one['sdk withheld'], statusOf(one), problemsOf(name, one).length === 0 ? 'yes' : 'NO'],
      ]),
    ),
    table(
      ['case', 'reads once', 'fs.watch on the file', '60 s cache', '`doctor --pod`: exit, codes'],
      rows.map(([name, one]) => [
        ...[name, naive(one, 'once'), naive(one, 'watch-file'), naive(one, 'cache-60s')],
        doctorOf(one),
      ]),
    ),
    table(
      ['`doctor` is asked about', 'in the pod', 'exit, codes', 'as expected'],
      doctor.map(({ about, pod, expected, found }) => [
        ...[about, pod, found, expected === found ? 'yes' : `NO: ${expected}`],
      ]),
    ),
    ...rows.filter(([, one]) => 'vault reads' in one).map(([name, one]) => vaultOf(name, one)),
    `${total} rotations in all.`,
  ].join('\n\n')
  return { text, problems }
}

/** What was expected of each case, for the README. */
export function expectationTable() {
  return table(
    ['case', 'expected'],
    Object.entries(EXPECTATIONS).map(([name, expected]) => [
      name,
      Object.entries(expected)
        .map(([key, value]) => `${key}: ${describe(value)}`)
        .join('; '),
    ]),
  )
}

function problemsOf(name, measured) {
  if (!measured) return [`${name}: did not come to an end`]
  return mismatches(EXPECTATIONS[name], measured).map(
    ({ name: what, expected, found }) => `${name}: ${what} is ${found}; expected: ${expected}`,
  )
}

function statusOf(one) {
  const meanwhile = one['state meanwhile'] ? `${one['state meanwhile']}, then ` : ''
  const failure = one.state === 'valid' ? '' : `, ${one['last failure'].split(' ')[0]}`
  const watch = one.watch === 'watching' ? '' : `, ${one.watch}`
  return meanwhile + one.state + failure + watch
}

function naive(one, kind) {
  const sent = one[`${kind} sent`]
  if (sent === undefined) return '–'
  const stale = one[`${kind} stale`] > 0 ? `, ${one[`${kind} stale`]} stale` : ''
  return `${one[`${kind} refused`]} of ${sent} refused${stale}`
}

function vaultOf(name, one) {
  const of = (what) => one[`vault ${what}`]
  return `${name}: ${of('reads')} reads of a secret with the token in the sink, ${of('refused')} refused; ${of('logins')} logins, ${of('renewals')} renewals.`
}

function doctorOf(one) {
  return one['doctor exit'] === undefined ? '–' : `${one['doctor exit']} ${one['doctor codes']}`.trim()
}

function table(head, rows) {
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
