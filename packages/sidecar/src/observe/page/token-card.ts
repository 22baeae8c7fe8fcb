import type { SourceStatus } from '../source-status.js'
import type { Condition, ConditionOf } from './condition.js'
import type { Element, View } from './element.js'
import type { Parts } from './parts.js'
import type { Life, timeLineOf } from './time-line.js'
import type { TimeText } from './time-text.js'
import type { TokenFacts } from './token-facts.js'

export type TokenCard = ReturnType<typeof tokenCards>

/** One source: its state, its life on a line, its failure, its facts. */
export function tokenCards(
  { element, foreign, visible }: Element,
  { relative }: TimeText,
  timeLine: ReturnType<typeof timeLineOf>,
  conditionOf: ConditionOf,
  { pill, badges, moment, at, bar }: Parts,
  factsOf: TokenFacts,
) {
  const WARNINGS: Record<string, string> = {
    LEGACY_TOKEN: 'A legacy token: it never expires and names no audience. Move to a projected token.',
    UNEXPIRING_TOKEN: 'The token never expires: only the cadence finds its successor.',
    OPAQUE_TOKEN: 'The token is no JWT: its life is unknown, only the cadence finds its successor.',
    NOT_YET_VALID: "The token is not valid yet: the clock of this node, or the API server's, is wrong.",
    ZERO_LEASE: 'Vault gave a lease of 0 s.',
    ROOT_TOKEN: "The role gives root's token.",
  }

  function lifeOf(source: SourceStatus): Life | undefined {
    if (source.kind === 'projected') {
      const { token, rotationDueAtMs } = source.status
      return (
        token && {
          bornAtMs: token.issuedAtMs ?? token.loadedAtMs,
          dueAtMs: rotationDueAtMs,
          endsAtMs: token.expiresAtMs,
        }
      )
    }
    const { token, renewsAtMs, logsInAtMs } = source.status
    return (
      token && {
        bornAtMs: token.renewedAtMs ?? token.loggedInAtMs,
        dueAtMs: renewsAtMs ?? logsInAtMs,
        endsAtMs: token.expiresAtMs,
      }
    )
  }

  function life(source: SourceStatus, { tone }: Condition, nowMs: number): View | undefined {
    const found = lifeOf(source)
    if (!found) return undefined
    const isVault = source.kind === 'vault'
    const { bornAtMs, dueAtMs, endsAtMs } = found
    const born = isVault ? 'Granted' : source.status.token?.issuedAtMs === undefined ? 'Loaded' : 'Issued'
    const due = isVault
      ? source.status.renewsAtMs === undefined
        ? 'Next login'
        : 'Renewal due'
      : 'Rotation due'
    const description = [
      `${born.toLowerCase()} ${relative(bornAtMs, nowMs)}`,
      dueAtMs !== undefined && `${due.toLowerCase()} ${relative(dueAtMs, nowMs)}`,
      endsAtMs === undefined
        ? 'no known end'
        : `${endsAtMs < nowMs ? 'expired' : 'expires'} ${relative(endsAtMs, nowMs)}`,
    ].filter((part) => part !== false)
    return element(
      'div',
      { class: 'life-of' },
      bar(timeLine(found, nowMs), tone, `Time line: ${description.join(', ')}`),
      element(
        'dl',
        { class: 'moments' },
        moment(born, 'born', bornAtMs, nowMs, ''),
        moment(due, 'due', dueAtMs, nowMs, 'none'),
        moment(
          endsAtMs !== undefined && endsAtMs <= nowMs ? 'Expired' : 'Expires',
          'end',
          endsAtMs,
          nowMs,
          'never',
        ),
      ),
    )
  }

  function failure({ status }: SourceStatus, nowMs: number): View | undefined {
    const { lastFailure } = status
    if (!lastFailure) return undefined
    const { code, message, sinceMs, count, ongoing } = lastFailure
    const often = count === 1 ? 'once' : `${count} times in a row`
    return element(
      'div',
      { class: `failure ${ongoing ? 'ongoing' : 'over'}` },
      element(
        'p',
        { class: 'failure-head' },
        element('strong', {}, ongoing ? 'Failing' : 'Last failure, over'),
        ' ',
        element('code', {}, code),
        ` ${often}, began `,
        at(sinceMs, nowMs),
      ),
      element('p', { class: 'message' }, foreign(message)),
    )
  }

  return (source: SourceStatus, nowMs: number): View => {
    const { name, kind, status } = source
    const condition = conditionOf(source, nowMs)
    const { tone, label, sentence, remedy } = condition
    return element(
      'article',
      {
        key: `${kind}:${name}`,
        class: `card ${tone}`,
        id: `token-${visible(name)}`,
        // So that a jump to it takes the focus along.
        tabindex: '-1',
        'aria-label': visible(name),
      },
      element(
        'header',
        {},
        element('h3', {}, foreign(name)),
        element('span', { class: 'kind' }, kind === 'vault' ? 'Vault token' : 'projected token'),
        element('span', { class: 'pills' }, ...badges(condition), pill(tone, label)),
      ),
      element('p', { class: 'sentence' }, sentence),
      remedy !== undefined && element('p', { class: 'remedy' }, remedy),
      life(source, condition, nowMs),
      failure(source, nowMs),
      status.warnings.map((warning) => element('p', { class: 'note' }, WARNINGS[warning] ?? warning)),
      element('dl', { class: 'facts' }, ...factsOf(source, nowMs)),
    )
  }
}
