import { describe, expect, it } from 'vitest'
import { createLiveArea } from '../src/live-area.js'
import { printable, printableJson, redactAllBut, redactSecrets } from '../src/printable.js'
import { fitLine } from '../src/text-width.js'

describe('text from outside', () => {
  it.each([
    ['an escape sequence', 'a\u001b]0;title\u0007b', 'a\\u{1b}]0;title\\u{7}b'],
    ['an 8-bit control', 'a\u009b2Jb', 'a\\u{9b}2Jb'],
    ['line feeds and tabs', 'a\r\n\tb', 'a\\u{d}\\u{a}\\u{9}b'],
    ['text that runs backwards', 'a\u202eb\u2066c', 'a\\u{202e}b\\u{2066}c'],
    ['invisible characters', 'a\u200bb\ufeffc\u2028d', 'a\\u{200b}b\\u{feff}c\\u{2028}d'],
    ['half a character', 'a\ud800b', 'a\\u{d800}b'],
    ['harmless text', 'Zoë 東京 ✓', 'Zoë 東京 ✓'],
  ])('shows %s visibly', (_what, text, expected) => {
    expect(printable(text)).toBe(expected)
  })

  it('is cut', () => {
    expect(printable('x'.repeat(10_000))).toBe(`${'x'.repeat(200)}…`)
  })

  it('is escaped in JSON, which still says the same', () => {
    const value = { text: '\u001b[2J\u202e\u{e0041}\u009b\u2028', nothing: undefined }
    const json = printableJson(value, 2)
    expect(json).toMatch(/^[\x20-\x7e\n]+$/)
    expect(JSON.parse(json)).toEqual({ ...value, nothing: null })
  })

  it('holds no JWT, whole or cut', () => {
    const jwt = `eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.${'s'.repeat(86)}`
    expect(redactSecrets(`open '/x/${jwt}' and ${jwt.slice(0, 40)}`)).toBe(
      "open '/x/[a JWT, not shown]' and [a JWT, not shown]",
    )
  })

  it.each([
    'hvs.CAESIBZFI1v0TSVYVzf7JTULu-L2uKyFFAoU2eutSlxe0Y6QGh4K',
    'hvb.AAAAAQJ1-o2YS5',
    'hvr.CAESIBZFI1v0',
    'hvs.CAESIBZFI1v0TS.n4mespace',
    's.Ga5jyNq6kNfRMVQk2LY1j9iu',
    's.Ga5jyNq6kNfRMVQk2LY1j9iu.n4mes',
    `b.${'AAAAAQ-_'.repeat(8)}`,
  ])('holds no Vault token such as %s', (token) => {
    expect(redactSecrets(`token=${token}; {"a":"${token}"}\n${token}`)).toBe(
      'token=[a Vault token, not shown]; {"a":"[a Vault token, not shown]"}\n[a Vault token, not shown]',
    )
  })

  it.each([
    's.html',
    'b.example.com',
    'vaults.internal-network.example',
    'kubernetes.default.svc.cluster.local',
    'system:serviceaccount:payments:s.billing',
    '3f9d1b2c-0f0b-4d0e-9d0a-8d1b3f1f7a10',
  ])('keeps a name such as %s', (name) => {
    expect(redactSecrets(`at ${name}`)).toBe(`at ${name}`)
  })

  it('shows the one token that somebody asked for, and no other', () => {
    const [asked, other] = ['hvs.CAESIBZFI1v0TSVYVz', 'hvs.CAESIDifferentOne']
    expect(redactAllBut(asked, `a ${asked} b ${other} c ${asked}`)).toBe(
      `a ${asked} b [a Vault token, not shown] c ${asked}`,
    )
  })
})

describe('a line that must not wrap', () => {
  it('is cut at the width of the terminal', () => {
    expect(fitLine('abcdef', 4)).toBe('abcd')
    expect(fitLine('abcd', 4)).toBe('abcd')
  })

  it('does not count colours, and ends them', () => {
    expect(fitLine('\u001b[31mabcdef\u001b[39m', 4)).toBe('\u001b[31mabcd\u001b[0m')
    expect(fitLine('\u001b[31mabcd\u001b[39m', 4)).toBe('\u001b[31mabcd\u001b[39m')
  })

  it('counts wide characters twice and accents not at all', () => {
    expect(fitLine('東京都', 5)).toBe('東京')
    expect(fitLine('e\u0301e\u0301e\u0301', 2)).toBe('e\u0301e\u0301')
  })
})

describe('the live area', () => {
  const record = (columns: number | undefined) => {
    let written = ''
    const write = (text: string) => {
      written += text
    }
    const take = () => {
      const text = written
      written = ''
      return text
    }
    return { take, area: createLiveArea({ isTTY: true, columns, write }) }
  }

  it('hides the cursor, draws in place, and gives the cursor back', () => {
    const { take, area } = record(80)
    area.draw(['one', 'two'])
    expect(take()).toBe('\u001b[?25lone\ntwo\n')
    area.draw(['three'])
    expect(take()).toBe('\r\u001b[2A\u001b[0Jthree\n')
    area.end()
    expect(take()).toBe('\r\u001b[1A\u001b[0J\u001b[?25h')
    area.end()
    expect(take()).toBe('')
  })

  it('stays below what is printed', () => {
    const { take, area } = record(80)
    area.print('first\n')
    expect(take()).toBe('first\n')
    area.draw(['state'])
    take()
    area.print('second\n')
    expect(take()).toBe('\r\u001b[1A\u001b[0Jsecond\nstate\n')
  })

  it('cuts its lines to the terminal, or to 80 columns', () => {
    const { take, area } = record(10)
    area.draw(['x'.repeat(200)])
    expect(take()).toBe(`\u001b[?25l${'x'.repeat(9)}\n`)
    const other = record(undefined)
    other.area.draw(['x'.repeat(200)])
    expect(other.take()).toBe(`\u001b[?25l${'x'.repeat(79)}\n`)
  })
})
