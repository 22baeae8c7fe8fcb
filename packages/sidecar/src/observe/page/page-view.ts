import type { TimedReport } from '../report.js'
import type { Activity } from './activity.js'
import type { ConditionOf, Tone } from './condition.js'
import type { Element, View } from './element.js'
import type { Parts } from './parts.js'
import type { TimeText } from './time-text.js'
import type { TokenCard } from './token-card.js'

/** How the page gets its news. */
export type Connection = 'connecting' | 'live' | 'polling' | 'lost'

/** All that the page is made of. */
export interface PageState {
  readonly report: Omit<TimedReport, 'nowMs' | 'uptimeMs'> | undefined
  /** The sidecar's time. */
  readonly nowMs: number
  readonly connection: Connection
  /** How old what is shown is. */
  readonly ageMs: number
}

export type PageView = ReturnType<typeof pageViews>

export function pageViews(
  { element, foreign }: Element,
  { span, utc, local, isUtcHere, zone }: TimeText,
  conditionOf: ConditionOf,
  { pill }: Parts,
  tokenCard: TokenCard,
  activity: Activity,
) {
  type Report = NonNullable<PageState['report']>
  const RANK: Record<Tone, number> = { error: 0, warning: 1, wait: 2, good: 3, off: 4 }
  const names = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`

  /** The one sentence at the top. Nothing in it ticks, as a screen reader says it anew whenever it changes. */
  function verdict(report: Report, nowMs: number): { tone: Tone; text: string } {
    const all = report.sources.map((source) => ({ name: source.name, ...conditionOf(source, nowMs) }))
    const list = (found: typeof all) =>
      found.map(({ name, label }) => `${name} (${label.toLowerCase()})`).join(', ')
    if (report.stopping) return { tone: 'off', text: 'The sidecar is stopping' }
    const bad = all.filter(({ tone }) => tone === 'error')
    if (bad.length > 0) return { tone: 'error', text: `No valid token: ${list(bad)}` }
    const late = all.filter(({ tone }) => tone === 'warning')
    if (late.length > 0) return { tone: 'warning', text: `Needs attention: ${list(late)}` }
    const waiting = all.filter(({ tone }) => tone === 'wait')
    if (waiting.length > 0)
      return {
        tone: 'wait',
        text: `Waiting for a first token: ${waiting.map(({ name }) => name).join(', ')}`,
      }
    const noted = all.filter(({ badges }) => badges.some(({ tone }) => tone === 'warning'))
    const valid = all.length === 1 ? 'The token is valid' : `All ${all.length} tokens are valid`
    if (noted.length === 0) return { tone: 'good', text: valid }
    const notes = noted.map(
      ({ name, badges }) => `${name} (${badges.map(({ label }) => label.toLowerCase()).join(', ')})`,
    )
    return { tone: 'warning', text: `${valid}, with a warning: ${notes.join(', ')}` }
  }

  function connectionPill({ connection, ageMs }: PageState): View {
    if (connection === 'live') return pill('good', 'Live', 'small')
    if (connection === 'polling') return pill('wait', 'Asked every 10 s', 'small')
    if (connection === 'connecting') return pill('wait', 'Connecting', 'small')
    return pill('error', `Connection lost ${span(ageMs)} ago`, 'small')
  }

  function header(state: PageState): View {
    const { report, nowMs } = state
    return element(
      'header',
      { class: 'top' },
      element('h1', {}, 'Projected tokens', report && [' ', foreign(report.host, 'host')]),
      element(
        'p',
        { class: 'meta' },
        connectionPill(state),
        report && element('span', {}, `version `, foreign(report.version)),
        report && element('span', {}, `up ${span(nowMs - report.startedAtMs)}`),
        report &&
          element(
            'span',
            { class: 'clock' },
            isUtcHere(nowMs) ? '' : `${local(nowMs, nowMs)} ${zone(nowMs)} · `,
            utc(nowMs, nowMs),
          ),
      ),
    )
  }

  function tokens({ sources }: Report, nowMs: number): View {
    const ranked = sources
      .map((source) => ({ source, condition: conditionOf(source, nowMs) }))
      .sort((one, other) => RANK[one.condition.tone] - RANK[other.condition.tone])
    return element(
      'section',
      { key: 'tokens', 'aria-labelledby': 'tokens' },
      element('h2', { id: 'tokens' }, names(sources.length, 'token')),
      sources.length > 2 &&
        element(
          'nav',
          { 'aria-label': 'Tokens' },
          ranked.map(({ source, condition }) =>
            element(
              'a',
              { key: source.name, href: `#token-${encodeURIComponent(source.name)}`, class: 'jump' },
              pill(condition.tone, condition.label, 'small'),
              foreign(source.name),
            ),
          ),
        ),
      ranked.map(({ source }) => tokenCard(source, nowMs)),
    )
  }

  /** Views of the whole page, and what stands in the tab's title. */
  return (state: PageState): { readonly title: string; readonly views: View[] } => {
    const { report, nowMs, connection } = state
    if (!report) {
      const text = connection === 'lost' ? 'The sidecar does not answer' : 'Asking the sidecar'
      return {
        title: `${text} – Projected tokens`,
        views: [header(state), element('p', { class: 'verdict wait', role: 'status' }, text)],
      }
    }
    const isStale = connection === 'lost'
    const found = verdict(report, nowMs)
    const { tone, text }: typeof found = isStale ? { tone: 'off', text: `Last known: ${found.text}` } : found
    return {
      title: `${isStale ? '? ' : tone === 'good' ? '✓ ' : tone === 'error' ? '✕ ' : '! '}${text} – ${report.host}`,
      views: [
        header(state),
        element('p', { class: `verdict ${tone}`, role: 'status' }, foreign(text)),
        element(
          'p',
          { class: 'stale', role: 'alert' },
          isStale && 'The connection to the sidecar is lost: this page shows what was known before.',
        ),
        tokens(report, nowMs),
        ...activity(report, nowMs),
      ],
    }
  }
}
