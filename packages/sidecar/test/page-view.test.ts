import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { activities } from '../src/observe/page/activity.js'
import { conditions } from '../src/observe/page/condition.js'
import { elementMaker, type View } from '../src/observe/page/element.js'
import { type PageState, pageViews } from '../src/observe/page/page-view.js'
import { pageParts } from '../src/observe/page/parts.js'
import { pageScript } from '../src/observe/page/script.js'
import { PAGE_STYLE } from '../src/observe/page/style.js'
import { timeLineOf } from '../src/observe/page/time-line.js'
import { timeText } from '../src/observe/page/time-text.js'
import { tokenCards } from '../src/observe/page/token-card.js'
import { tokenFacts } from '../src/observe/page/token-facts.js'
import { sourceStatus } from '../src/observe/source-status.js'
import { HOUR, MINUTE, NOW_MS, STATES, stillSources } from './support/observe-states.js'

const time = timeText()
const timeLine = timeLineOf()
const maker = elementMaker()
const conditionOf = conditions(time)
const parts = pageParts(maker, time)
const factsOf = tokenFacts(maker, time, parts)
const tokenCard = tokenCards(maker, time, timeLine, conditionOf, parts, factsOf)
const view = pageViews(maker, time, conditionOf, parts, tokenCard, activities(maker, time, parts))

function stateOf(name: string, overrides: Partial<PageState> = {}): PageState {
  return {
    report: {
      version: '1.2.3',
      host: 'ledger-0',
      startedAtMs: NOW_MS - HOUR,
      ready: true,
      stopping: false,
      sources: stillSources(name).map(sourceStatus),
      proxies: [],
      sinks: [],
      events: [],
    },
    nowMs: NOW_MS,
    connection: 'live',
    ageMs: 0,
    ...overrides,
  }
}
const textOf = (views: readonly (View | string)[]): string =>
  views.map((each) => (typeof each === 'string' ? each : textOf(each.children))).join(' ')
const tagsOf = (views: readonly (View | string)[]): string[] =>
  views.flatMap((each) => (typeof each === 'string' ? [] : [each.tag, ...tagsOf(each.children)]))
const show = (name: string, overrides: Partial<PageState> = {}) => {
  const { title, views } = view(stateOf(name, overrides))
  return { title, views, text: textOf(views).replace(/\s+/g, ' ') }
}

describe('the status page says in words', () => {
  test.each([
    ['starting', 'Waiting for a first token: vault-token', 'No token yet: the file is awaited.'],
    ['valid', 'The token is valid', 'Expires in 38 min. The kubelet replaces it in 26 min.'],
    ['due', 'The token is valid', 'Expires in 11 min. The kubelet is about to replace it.'],
    [
      'overdue',
      'Needs attention: vault-token (overdue)',
      'The kubelet should have replaced it 5 min ago. Expires in 7 min. Does the kubelet of this node run',
    ],
    ['expired', 'No valid token: vault-token (expired)', 'Expired 11 min ago: programs get errors'],
    ['unavailable', 'No valid token: vault-token (unavailable)', 'ERR_TOKEN_NOT_FOUND 14 times in a row'],
    [
      'degraded',
      'with a warning: vault-token (watch degraded)',
      'the watch missed a change; a timed read found it',
    ],
    ['degraded', 'with a warning', 'Last failure, over ERR_TOKEN_EMPTY once, began 2 h ago'],
    ['polling', 'with a warning: vault-token (polling)', 'no inotify watch left (ENOSPC)'],
    ['legacy', 'with a warning: default (legacy token)', 'it never expires and names no audience'],
    ['extended', 'The token is valid', 'Expires in 365 d. The kubelet replaces it in 26 min.'],
    ['several', 'No valid token: batch (unavailable)', 'There was never a Vault token: programs get errors.'],
    ['vault', 'The token is valid', 'Expires in 18 min. Renewed in 8 min.'],
  ])('%s: %s', (name, verdict, detail) => {
    const { title, text } = show(name)
    expect(title).toContain(verdict)
    expect(text).toContain(verdict)
    expect(text).toContain(detail)
  })

  test('first what is worst', () => {
    const { text } = show('several')
    const places = ['batch Vault token', 'vault-token projected token', 'api-server projected token'].map(
      (part) => text.indexOf(part),
    )
    expect(places).toEqual([...places].sort((one, other) => one - other))
    expect(places).not.toContain(-1)
  })

  test('that the connection is lost, and for how long', () => {
    const { title, text } = show('valid', { connection: 'lost', ageMs: 42_000 })
    expect(title).toMatch(/^\? /)
    expect(text).toContain('Connection lost 42 s ago')
    expect(text).toContain('this page shows what was known before')
    expect(text).toContain('Last known: The token is valid')
  })

  test('what happened, and what proxies and sinks did', () => {
    const state = stateOf('valid')
    const event = {
      id: 7,
      atMs: NOW_MS - 2 * MINUTE,
      source: 'vault-token',
      kind: 'projected',
      type: 'failed',
      severity: 'error',
      code: 'ERR_TOKEN_EMPTY',
      text: 'is empty',
      count: 1,
    } as const
    const renewed = { ...event, id: 8, kind: 'vault', type: 'renewed', severity: 'good', count: 12 } as const
    const report = state.report && {
      ...state.report,
      events: [renewed, event],
      proxies: [{ name: '127.0.0.1:8081', byStatus: { 200: 41, 401: 1 }, retries: 1 }],
      sinks: [{ path: '/run/out/token', written: 1, failed: 2, lastWrittenAtMs: NOW_MS - 5_000 }],
    }
    const text = textOf(view({ ...state, report }).views).replace(/\s+/g, ' ')
    expect(text).toContain('2 min ago 23:58:00 UTC vault-token ✕ failed ERR_TOKEN_EMPTY is empty')
    expect(text).toContain('renewed')
    expect(text).toContain('12 times')
    expect(text).toContain('127.0.0.1:8081 200 × 41, 401 × 1 , 1 retry')
    expect(text).toContain('/run/out/token 1 write , ✕ 2 failed , last 5 s ago')
  })

  test('that the sidecar stops', () => {
    const state = stateOf('valid')
    const stopping = { ...state, report: state.report && { ...state.report, stopping: true } }
    expect(view(stopping).title).toContain('The sidecar is stopping')
  })

  test('what polling by choice is: no warning', () => {
    const state = stateOf('valid')
    const [source] = state.report?.sources ?? []
    if (source?.kind !== 'projected') throw new Error('expected a projected token')
    const watch = { state: 'polling', reason: 'the option watch is false' } as const
    const condition = conditionOf({ ...source, status: { ...source.status, watch } }, NOW_MS)
    expect(condition).toMatchObject({ tone: 'good', badges: [{ tone: 'off', label: 'Polling' }] })
  })
})

describe('the status page and hostile text', () => {
  test('makes no element of what a token says', () => {
    const { views, text } = show('hostile')
    expect(tagsOf(views).filter((tag) => ['img', 'script', 'h4'].includes(tag))).toEqual([])
    expect(text).toContain('<img src=x onerror="document.title=1">')
  })

  test('shows control characters and marks of direction instead of obeying them', () => {
    const { text } = show('hostile')
    expect(text).not.toMatch(/[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/)
    expect(text).toContain('\\u202enimda\\u202c')
    expect(text).toContain('\\u0007\\u0000')
    expect(text).toContain('שלום עולם')
  })

  test('puts data into no attribute but names that were checked, and into no address', () => {
    const { visible, foreign, element } = maker
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(visible(text)).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/)
        expect(foreign(text).attributes).toEqual({})
        expect(element('p', {}, text).children).toEqual(text === '' ? [] : [text])
      }),
    )
  })
})

describe('the time line', () => {
  const HOURLY = { bornAtMs: 0, dueAtMs: 48 * MINUTE, endsAtMs: 60 * MINUTE }

  test('shows a life as it is: due at 80 %, the end at its end', () => {
    expect(timeLine(HOURLY, 30 * MINUTE)).toEqual({ now: 50, due: 80, end: 100, isOpen: false })
  })

  test('goes on to now once the token has expired', () => {
    expect(timeLine(HOURLY, 120 * MINUTE)).toEqual({ now: 100, due: 40, end: 50, isOpen: false })
  })

  test('is cut where a rotation comes early in a long life', () => {
    const yearly = { bornAtMs: 0, dueAtMs: 24 * HOUR, endsAtMs: 365 * 24 * HOUR }
    expect(timeLine(yearly, 12 * HOUR)).toEqual({ now: 40, due: 80, end: undefined, isOpen: true })
  })

  test('has no scale without an end', () => {
    const endless = { bornAtMs: 0, dueAtMs: undefined, endsAtMs: undefined }
    expect(timeLine(endless, HOUR)).toEqual({ now: 50, due: undefined, end: undefined, isOpen: true })
  })

  test('keeps every mark on the line and in order, whatever the claims and the clocks', () => {
    const moment = fc.oneof(
      fc.integer({ min: -(10 ** 15), max: 10 ** 15 }),
      fc.integer({ min: 0, max: 10 ** 7 }),
    )
    fc.assert(
      fc.property(
        moment,
        fc.option(moment, { nil: undefined }),
        fc.option(moment, { nil: undefined }),
        moment,
        (bornAtMs, dueAtMs, endsAtMs, nowMs) => {
          const { now, due, end } = timeLine({ bornAtMs, dueAtMs, endsAtMs }, nowMs)
          for (const place of [now, due ?? 0, end ?? 0])
            expect(place).toSatisfy((at: number) => at >= 0 && at <= 100)
          if (due !== undefined && dueAtMs !== undefined) {
            if (dueAtMs <= nowMs) expect(due).toBeLessThanOrEqual(now)
            else expect(due).toBeGreaterThanOrEqual(now)
          }
          if (end !== undefined && endsAtMs !== undefined && endsAtMs <= nowMs)
            expect(end).toBeLessThanOrEqual(now)
        },
      ),
    )
  })
})

describe('the text of times', () => {
  test.each([
    [0, '0 s'],
    [999, '0 s'],
    [61_000, '1 min 1 s'],
    [599_000, '9 min 59 s'],
    [659_000, '10 min'],
    [3_600_000, '1 h'],
    [3_604_000, '1 h'],
    [90_061_000, '1 d 1 h'],
    [-5, '0 s'],
    [Number.POSITIVE_INFINITY, 'for ever'],
  ])('%d ms is %s', (ms, text) => {
    expect(time.span(ms)).toBe(text)
  })

  test('gives the date only where the time alone could be another day’s', () => {
    expect(time.utc(NOW_MS - HOUR, NOW_MS)).toBe('23:00:00 UTC')
    expect(time.utc(NOW_MS - 13 * HOUR, NOW_MS)).toBe('2025-12-31 11:00:00 UTC')
  })

  test('says so where no calendar reaches', () => {
    expect(time.utc(1e18, NOW_MS)).toBe('beyond all dates')
    expect(time.local(1e18, NOW_MS)).toBe('beyond all dates')
    expect(time.iso(Number.NaN)).toBe('')
  })
})

describe('the page’s own text', () => {
  test('is a script that stands alone', () => {
    expect(() => new Function(pageScript())).not.toThrow()
    expect(pageScript()).not.toMatch(
      /__vi_|__name|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b/,
    )
  })

  test.each(['light', 'dark'])('has a contrast of 4.5 or more wherever text stands: %s', (scheme) => {
    const [light = '', dark = ''] = PAGE_STYLE.split('@media (prefers-color-scheme: dark)')
    const colours = Object.fromEntries(
      [...(scheme === 'light' ? light : light + dark).matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(
        ([, name, value]) => [name, value],
      ),
    ) as Record<string, string>
    const tones = ['good', 'wait', 'warning', 'error', 'off']
    const pairs = [
      ['text', 'ground'],
      ['text', 'card'],
      ['text', 'error-ground'],
      ['text', 'off-ground'],
      ['quiet', 'ground'],
      ['quiet', 'card'],
      ['warning', 'card'],
      ...tones.map((tone) => [tone, `${tone}-ground`]),
    ]
    for (const [text = '', ground = ''] of pairs) {
      expect({ text, ground, contrast: contrast(colours[text], colours[ground]) }).toSatisfy(
        (found: { contrast: number }) => found.contrast >= 4.5,
      )
    }
    // WCAG 1.4.11 wants 3 of what carries meaning without being text: the marks of the line, the sides of the cards.
    for (const tone of tones)
      expect(contrast(colours[`${tone}-line`], colours.card)).toBeGreaterThanOrEqual(3)
  })

  test('covers every state that the issue names', () => {
    expect(Object.keys(STATES)).toEqual(
      expect.arrayContaining([
        'starting',
        'valid',
        'overdue',
        'expired',
        'unavailable',
        'degraded',
        'polling',
        'legacy',
      ]),
    )
  })
})

/** WCAG 2's ratio of two colours. */
function contrast(one = '#000000', other = '#000000'): number {
  const luminance = (colour: string) =>
    [1, 3, 5]
      .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
      .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
      .reduce((sum, part, index) => sum + part * ([0.2126, 0.7152, 0.0722][index] ?? 0), 0)
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (light + 0.05) / (dark + 0.05)
}
