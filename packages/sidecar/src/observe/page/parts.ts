import type { Condition, Tone } from './condition.js'
import type { Child, Element, View } from './element.js'
import type { TimeLine } from './time-line.js'
import type { TimeText } from './time-text.js'

export type Parts = ReturnType<typeof pageParts>

/** The page's building blocks. */
export function pageParts({ element }: Element, time: TimeText) {
  const SIGNS: Record<Tone, string> = { good: '✓', wait: '…', warning: '!', error: '✕', off: '–' }

  /** A state: colour, sign and word. */
  const pill = (tone: Tone, label: string, className = ''): View =>
    element(
      'span',
      { class: `pill ${tone} ${className}`.trim() },
      element('span', { class: 'sign', 'aria-hidden': 'true' }, SIGNS[tone]),
      label,
    )

  const badges = ({ badges: all }: Condition): View[] =>
    all.map(({ tone, label }) => pill(tone, label, 'small'))

  /** A moment: how far away, and when, here and in UTC. */
  const moment = (
    label: string,
    mark: string,
    atMs: number | undefined,
    nowMs: number,
    without: string,
  ): View =>
    element(
      'div',
      { class: 'moment' },
      element('dt', {}, element('span', { class: `mark ${mark}`, 'aria-hidden': 'true' }), label),
      atMs === undefined
        ? element('dd', {}, element('span', { class: 'away' }, without))
        : element(
            'dd',
            {},
            element('span', { class: 'away' }, time.relative(atMs, nowMs)),
            element(
              'time',
              { datetime: time.iso(atMs) },
              !time.isUtcHere(atMs) && element('span', { class: 'here' }, time.local(atMs, nowMs)),
              element('span', { class: 'utc' }, time.utc(atMs, nowMs)),
            ),
          ),
    )

  /** A time in a sentence. */
  const at = (atMs: number, nowMs: number): View =>
    element(
      'time',
      { datetime: time.iso(atMs), title: `${time.local(atMs, nowMs)} · ${time.utc(atMs, nowMs)}` },
      time.relative(atMs, nowMs),
    )

  const bar = (line: TimeLine, tone: Tone, label: string): View => {
    const span = (className: string, from: number, to: number) =>
      to > from && element('span', { class: className, '--from': `${from}%`, '--size': `${to - from}%` })
    const tick = (className: string, position: number) =>
      element('span', { class: className, '--at': `${position}%` })
    const end = line.end ?? 100
    return element(
      'div',
      { class: `line ${tone}${line.isOpen ? ' open' : ''}`, role: 'img', 'aria-label': label },
      element(
        'div',
        { class: 'track' },
        span('lived', 0, Math.min(line.now, line.due ?? end, end)),
        line.due !== undefined && span('late', line.due, Math.min(line.now, end)),
        line.due !== undefined && span('window', Math.max(line.due, line.now), end),
        span('dead', end, line.end === undefined ? end : Math.max(line.now, end)),
      ),
      line.due !== undefined && tick('tick due', line.due),
      line.end !== undefined && tick('tick end', line.end),
      element('span', { class: 'now', '--at': `${line.now}%` }, element('span', {}, 'now')),
    )
  }

  const fact = (label: string, ...value: Child[]): View =>
    element('div', { class: 'fact' }, element('dt', {}, label), element('dd', {}, ...value))

  return { pill, badges, moment, at, bar, fact }
}
