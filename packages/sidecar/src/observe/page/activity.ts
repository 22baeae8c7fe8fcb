import type { Report } from '../report.js'
import type { Element, View } from './element.js'
import type { Parts } from './parts.js'
import type { TimeText } from './time-text.js'

export type Activity = ReturnType<typeof activities>

/** What happened: the last events, and what proxies and sinks did. */
export function activities({ element, foreign }: Element, { utc }: TimeText, { pill, at }: Parts) {
  const names = (count: number, noun: string, plural = `${noun}s`) =>
    `${count} ${count === 1 ? noun : plural}`

  function events(report: Report, nowMs: number): View {
    const tones = { good: 'good', info: 'off', warning: 'warning', error: 'error' } as const
    return element(
      'section',
      { key: 'events', 'aria-labelledby': 'events' },
      element('h2', { id: 'events' }, 'Last events'),
      report.events.length === 0 && element('p', { class: 'quiet' }, 'None since the start.'),
      report.events.length > 0 &&
        element(
          'ol',
          { class: 'events' },
          report.events.map((event) =>
            element(
              'li',
              { key: String(event.id), class: tones[event.severity] },
              element(
                'span',
                { class: 'when' },
                at(event.atMs, nowMs),
                element('span', { class: 'utc' }, utc(event.atMs, nowMs)),
              ),
              element('span', { class: 'who' }, foreign(event.source)),
              element(
                'span',
                { class: 'what' },
                pill(tones[event.severity], event.type, 'small'),
                event.code !== undefined && [' ', element('code', {}, event.code)],
                event.count > 1 && ` ${event.count} times`,
                ' ',
                foreign(event.text),
              ),
            ),
          ),
        ),
    )
  }

  function traffic({ proxies, sinks }: Report, nowMs: number): View | undefined {
    if (proxies.length === 0 && sinks.length === 0) return undefined
    return element(
      'section',
      { key: 'traffic', 'aria-labelledby': 'traffic' },
      element('h2', { id: 'traffic' }, 'Proxies and sinks'),
      element(
        'ul',
        { class: 'traffic' },
        proxies.map(({ name, byStatus, retries }) =>
          element(
            'li',
            { key: `proxy:${name}` },
            foreign(name, 'mono'),
            ' ',
            Object.entries(byStatus)
              .map(([status, count]) => `${status} × ${count}`)
              .join(', '),
            retries > 0 && `, ${names(retries, 'retry', 'retries')}`,
          ),
        ),
        sinks.map(({ path, written, failed, lastWrittenAtMs }) =>
          element(
            'li',
            { key: `sink:${path}` },
            foreign(path, 'mono'),
            ` ${names(written, 'write')}`,
            failed > 0 && [', ', pill('error', `${failed} failed`, 'small')],
            lastWrittenAtMs !== undefined && [', last ', at(lastWrittenAtMs, nowMs)],
          ),
        ),
      ),
    )
  }

  return (report: Report, nowMs: number): View[] =>
    [events(report, nowMs), traffic(report, nowMs)].filter((view) => view !== undefined)
}
