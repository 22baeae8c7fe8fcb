import type { SourceStatus } from '../source-status.js'
import type { TimeText } from './time-text.js'

/** How a thing stands, as a colour; the words always stand beside it. */
export type Tone = 'good' | 'wait' | 'warning' | 'error' | 'off'

/** How a source stands, in words. */
export interface Condition {
  readonly tone: Tone
  readonly label: string
  readonly sentence: string
  /** What to do, where that is known. */
  readonly remedy: string | undefined
  /** What else one should know, short. */
  readonly badges: readonly { readonly tone: Tone; readonly label: string }[]
}

export type ConditionOf = ReturnType<typeof conditions>

export function conditions({ span }: TimeText) {
  type Projected = Extract<SourceStatus, { kind: 'projected' }>['status']
  type Vault = Extract<SourceStatus, { kind: 'vault' }>['status']
  type Told = Omit<Condition, 'badges'>

  const ROTATION_REMEDY =
    'Does the kubelet of this node run, and reach the API server? A volume mounted with subPath is never updated.'
  const told = (tone: Tone, label: string, sentence: string, remedy?: string): Told => ({
    tone,
    label,
    sentence,
    remedy,
  })
  const expiry = (atMs: number | undefined, nowMs: number) =>
    atMs === undefined ? 'Its end is not known.' : `Expires in ${span(atMs - nowMs)}.`

  function projected(status: Projected, nowMs: number): Told {
    const { state, token, rotationDueAtMs: dueAtMs, overdue } = status
    if (state === 'starting') return told('wait', 'Starting', 'No token yet: the file is awaited.')
    if (state === 'closed') return told('off', 'Closed', 'The file is no longer read.')
    if (state === 'unavailable') {
      return told('error', 'Unavailable', 'There was never a good token: programs get errors.')
    }
    const endMs = token?.expiresAtMs
    if (state === 'expired') {
      const when = endMs === undefined ? 'Expired' : `Expired ${span(nowMs - endMs)} ago`
      return told(
        'error',
        'Expired',
        `${when}: programs get errors until another token is written.`,
        ROTATION_REMEDY,
      )
    }
    if (overdue && dueAtMs !== undefined) {
      const sentence = `The kubelet should have replaced it ${span(nowMs - dueAtMs)} ago. ${expiry(endMs, nowMs)}`
      return told('warning', 'Overdue', sentence, ROTATION_REMEDY)
    }
    if (endMs === undefined) {
      const isOpaque = status.warnings.includes('OPAQUE_TOKEN')
      return told('good', 'Valid', isOpaque ? 'Not a JWT: its end is not known.' : 'Never expires.')
    }
    if (dueAtMs === undefined) return told('good', 'Valid', expiry(endMs, nowMs))
    const next =
      dueAtMs > nowMs
        ? `The kubelet replaces it in ${span(dueAtMs - nowMs)}.`
        : 'The kubelet is about to replace it.'
    return told('good', 'Valid', `${expiry(endMs, nowMs)} ${next}`)
  }

  function vault(status: Vault, nowMs: number): Told {
    const { state, token, renewsAtMs, logsInAtMs, waitsForJwt } = status
    const endMs = token?.expiresAtMs
    const next =
      renewsAtMs !== undefined
        ? `Renewed in ${span(renewsAtMs - nowMs)}.`
        : logsInAtMs !== undefined
          ? `Next login in ${span(logsInAtMs - nowMs)}.`
          : waitsForJwt
            ? 'The next login waits for another JWT.'
            : ''
    const then = next === '' ? '' : ` ${next}`
    if (state === 'starting') return told('wait', 'Starting', `No Vault token yet.${then}`)
    if (state === 'closed') return told('off', 'Closed', 'There are no further logins.')
    if (state === 'failed') {
      return told('error', 'Failed', 'No token, and no further attempt: the configuration is wrong.')
    }
    if (state === 'unavailable') {
      return told('error', 'Unavailable', `There was never a Vault token: programs get errors.${then}`)
    }
    if (state === 'expired') {
      const when = endMs === undefined || endMs > nowMs ? 'Ended' : `Ended ${span(nowMs - endMs)} ago`
      return told('error', 'Expired', `${when}: programs get errors until the next login.${then}`)
    }
    const left = endMs === undefined ? 'Never expires.' : expiry(endMs, nowMs)
    return told('good', 'Valid', left + then)
  }

  function badges(source: SourceStatus): Condition['badges'] {
    const { status } = source
    const found: { tone: Tone; label: string }[] = []
    const isServing = status.state === 'valid'
    if (isServing && status.lastFailure?.ongoing) {
      const label =
        source.kind === 'projected'
          ? 'Reads fail'
          : source.status.lastFailure?.during === 'renewal'
            ? 'Renewals fail'
            : 'Logins fail'
      found.push({ tone: 'warning', label })
    }
    if (source.kind === 'projected' && status.state !== 'starting' && status.state !== 'closed') {
      const { watch } = source.status
      if (watch.state === 'degraded') found.push({ tone: 'warning', label: 'Watch degraded' })
      // Switched off is a choice; not to be had is not.
      if (watch.state === 'polling') {
        found.push({
          tone: /option watch is false/.test(watch.reason ?? '') ? 'off' : 'warning',
          label: 'Polling',
        })
      }
    }
    if (source.kind === 'vault' && source.status.refusedJwt && source.status.waitsForJwt) {
      found.push({ tone: 'warning', label: 'JWT refused' })
    }
    for (const warning of status.warnings) found.push({ tone: 'warning', label: warningLabel(warning) })
    return found
  }

  function warningLabel(warning: string): string {
    const words = warning.toLowerCase().replaceAll('_', ' ')
    return words.charAt(0).toUpperCase() + words.slice(1)
  }

  return (source: SourceStatus, nowMs: number): Condition => ({
    ...(source.kind === 'projected' ? projected(source.status, nowMs) : vault(source.status, nowMs)),
    badges: badges(source),
  })
}
