import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ADAPTERS, EXPECTATIONS, expectedOf, KNOWN_GAPS, PEERS } from './expectations.mjs'
import { FAULTS, faultNamed } from './faults/index.mjs'
import { describePhases, isAsExpected, notApplicable, parseOutcome, phasesOf } from './support/outcome.mjs'

/** The filesystem scenarios that a correct client is judged by. */
const SCENARIOS = Array.from({ length: 32 }, (_, index) => index + 1)
const PHASES = [
  /^(?:old|new|waits|no file|network error|UNAUTHENTICATED)$/,
  /^HTTP [1-5]\d\d$/,
  /^ERR_(?:TOKEN|VAULT|PROXY)_[A-Z_]+$/,
  /^elsewhere, without the token$/,
]
const names = FAULTS.map(({ name }) => name)
const cells = names.flatMap((fault) =>
  ADAPTERS.map((adapter) => ({ fault, adapter, expected: expectedOf(fault, adapter) })),
)

describe('the table of faults', () => {
  it('has one row for each fault, and no other', () => {
    expect(new Set(names).size).toBe(names.length)
    expect(Object.keys(EXPECTATIONS).sort()).toEqual([...names].sort())
  })

  it('says of every adapter what is expected of it', () => {
    for (const { fault, adapter, expected } of cells)
      expect(expected, `${fault}, ${adapter}`).toBeTypeOf('string')
  })

  it('uses its own few words only', () => {
    for (const { fault, adapter, expected } of cells) {
      if (notApplicable(expected)) continue
      for (const { name } of expected === 'waits' ? [{ name: 'waits' }] : parseOutcome(expected)) {
        expect(
          PHASES.some((phase) => phase.test(name)),
          `${fault}, ${adapter}: ${name}`,
        ).toBe(true)
      }
    }
  })

  it('has a fault for every scenario', () => {
    const covered = new Set(FAULTS.map(({ scenario }) => scenario))
    expect(SCENARIOS.filter((scenario) => !covered.has(scenario))).toEqual([])
  })

  it('gives a reason for each cell that does not apply, and asks something of at least one adapter', () => {
    for (const fault of names) {
      const reasons = cells
        .filter((cell) => cell.fault === fault)
        .map(({ expected }) => notApplicable(expected))
      expect(
        reasons.some((reason) => reason === undefined),
        fault,
      ).toBe(true)
      for (const reason of reasons) if (reason !== undefined) expect(reason.length).toBeGreaterThan(10)
    }
  })

  it('never expects an expired token, or none, to be sent to a server by anything but a file', () => {
    const refusing = new Set([
      'server answers 401 to everything',
      'bound object deleted: 401 before the expiry',
    ])
    for (const { fault, adapter, expected } of cells) {
      if (adapter === 'sink' || adapter === 'vault' || refusing.has(fault)) continue
      expect(expected, `${fault}, ${adapter}`).not.toMatch(/HTTP 401|UNAUTHENTICATED/)
    }
  })

  it('knows gaps only of cells that exist, and holds its peers against fetch', () => {
    for (const [fault, gaps] of Object.entries(KNOWN_GAPS)) {
      expect(names).toContain(fault)
      for (const adapter of Object.keys(gaps)) expect(ADAPTERS).toContain(adapter)
    }
    for (const peer of PEERS)
      expect(expectedOf('file missing', peer)).toBe(expectedOf('file missing', 'fetch'))
  })

  it('finds a fault by its name, and says so when there is none', () => {
    expect(faultNamed('atomic swap')).toMatchObject({ scenario: 1 })
    expect(() => faultNamed('no such fault')).toThrow(RangeError)
  })
})

describe('the comparison of a cell', () => {
  const compare = (expected: string, labels: string[]) => isAsExpected(expected, phasesOf(labels))

  it.each([
    ['old', ['old', 'old'], true],
    ['old', ['old', 'new'], false],
    ['old', [], false],
    ['old? → new', ['old', 'new', 'new'], true],
    ['old? → new', ['new'], true],
    ['old? → new', ['old'], false],
    ['old? → new', ['old', 'HTTP 401', 'new'], false],
    ['old? → new', ['new', 'old'], false],
    ['waits', [], true],
    ['waits', ['old'], false],
    ['old → new → HTTP 401 → new', ['old', 'new', 'HTTP 401', 'new'], true],
    ['old? → network error → …', ['old', 'network error', 'old', 'network error'], true],
    ['old? → network error → …', ['old', 'network error', 'new'], false],
    ['old? → network error → …', ['old'], false],
    ['old → HTTP 403? → ERR_VAULT_UNAVAILABLE? → old?', ['old'], true],
  ])('takes %j for %j: %s', (expected, labels, is) => {
    expect(compare(expected, labels)).toBe(is)
  })

  it('takes every cell of the table for itself, with and without what is optional', () => {
    const applicable = cells.filter(({ expected }) => !notApplicable(expected))
    fc.assert(
      fc.property(fc.constantFrom(...applicable), fc.infiniteStream(fc.boolean()), ({ expected }, keeps) => {
        const phases = parseOutcome(expected).filter(({ isOptional }) => !isOptional || keeps.next().value)
        const seen = phasesOf(phases.map(({ name }) => name))
        // Phases that an optional one parted are one phase without it, which a cell cannot tell apart.
        if (seen.length === phases.length) expect(isAsExpected(expected, seen)).toBe(true)
      }),
    )
  })

  it('takes no cell for itself when a refusal comes on top', () => {
    for (const { expected } of cells.filter((cell) => !notApplicable(cell.expected))) {
      const seen = [...parseOutcome(expected).map(({ name }) => name), 'HTTP 500']
      expect(isAsExpected(expected, seen)).toBe(false)
    }
  })

  it('shows what was seen as the table writes it', () => {
    expect(describePhases(['old', 'new'])).toBe('old → new')
    expect(describePhases([])).toBe('waits')
  })
})
