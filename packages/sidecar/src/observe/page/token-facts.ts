import type { SourceStatus } from '../source-status.js'
import type { Element, View } from './element.js'
import type { Parts } from './parts.js'
import type { TimeText } from './time-text.js'

export type TokenFacts = ReturnType<typeof tokenFacts>

/** All that is known of a source, label by label. */
export function tokenFacts(
  { element, foreign, visible }: Element,
  { span }: TimeText,
  { pill, at, fact }: Parts,
) {
  function projectedFacts(source: Extract<SourceStatus, { kind: 'projected' }>, nowMs: number): View[] {
    const { token, path, watch, reads, rotations, lastReadAtMs, nextReadAtMs } = source.status
    const watched = watch.state === 'watching' ? 'good' : watch.state === 'degraded' ? 'warning' : 'off'
    return [
      fact(
        'Watch',
        pill(watched, watch.state, 'small'),
        watch.reason !== undefined && [' ', foreign(watch.reason)],
      ),
      fact('File', foreign(path, 'mono')),
      fact('Audience', audience(token?.audience, token !== undefined)),
      ...(token?.subject === undefined ? [] : [fact('Subject', foreign(token.subject, 'mono'))]),
      ...(token?.issuer === undefined ? [] : [fact('Issuer', foreign(token.issuer, 'mono'))]),
      ...(token ? [fact('Fingerprint', element('code', {}, token.fingerprint))] : []),
      fact(
        'Reads',
        `${reads}`,
        lastReadAtMs !== undefined && [', last ', at(lastReadAtMs, nowMs)],
        nextReadAtMs !== undefined && [', next ', at(nextReadAtMs, nowMs)],
      ),
      fact('Rotations', `${rotations}`),
      // The API server extended `exp`, and reports who still uses the token after this.
      ...(token?.warnAfterMs === undefined ? [] : [fact('Warned after', at(token.warnAfterMs, nowMs))]),
      ...(token ? [fact('Loaded', at(token.loadedAtMs, nowMs))] : []),
    ]
  }

  function audience(names: readonly string[] | undefined, isKnown: boolean): View | string {
    if (!isKnown || names === undefined) return '–'
    if (names.length === 0) return 'none'
    return element('span', {}, ...names.flatMap((name, index) => [index > 0 && ', ', foreign(name, 'mono')]))
  }

  function vaultFacts(source: Extract<SourceStatus, { kind: 'vault' }>, nowMs: number): View[] {
    const { status } = source
    const { token, refusedJwt, namespace } = status
    return [
      fact('Now', status.activity === 'idle' ? 'idle' : `${status.activity} under way`),
      fact('Vault', foreign(status.address, 'mono')),
      fact(
        'Role',
        foreign(status.role, 'mono'),
        ' at ',
        foreign(`auth/${status.mount}`, 'mono'),
        ` (${status.method})`,
      ),
      ...(namespace === undefined ? [] : [fact('Namespace', foreign(namespace, 'mono'))]),
      ...(token?.who === undefined ? [] : [fact('Logged in as', foreign(token.who, 'mono'))]),
      ...(token ? [fact('Policies', foreign(token.policies.join(', ') || 'none', 'mono'))] : []),
      ...(token
        ? [
            fact(
              'Lease',
              token.leaseMs === undefined ? 'without end' : span(token.leaseMs),
              token.renewable ? ', renewable' : ', not renewable',
              `, ${visible(token.type)} token`,
            ),
            fact('Logged in', at(token.loggedInAtMs, nowMs)),
          ]
        : []),
      fact('Logins', `${status.logins}`),
      fact('Renewals', `${status.renewals}`),
      ...(refusedJwt
        ? [
            fact(
              'Refused JWT',
              element('code', {}, refusedJwt.fingerprint),
              ' ',
              at(refusedJwt.sinceMs, nowMs),
            ),
          ]
        : []),
    ]
  }

  return (source: SourceStatus, nowMs: number): View[] =>
    source.kind === 'projected' ? projectedFacts(source, nowMs) : vaultFacts(source, nowMs)
}
