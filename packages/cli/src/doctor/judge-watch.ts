import { type Judgement, warning } from '../inspect/findings.js'
import type { WatchFacts } from './probe-watch.js'

/** Judges whether a program here would hear of a rotation. Pure. */
export function* judgeWatch({ directory, state, reason, limits }: WatchFacts): Generator<Judgement> {
  if (state === 'silent') {
    yield warning('DEAD_WATCH', `A file was made in '${directory}', and a watch on it told nothing.`)
  }
  if (state !== 'refused') return
  if (reason === 'ENOSPC') {
    yield warning(
      'INOTIFY_EXHAUSTED',
      `There is no inotify watch left (ENOSPC): fs.inotify.max_user_watches is ${limits.maxUserWatches ?? 'unknown'}` +
        `${describeNamespace('watches', limits.namespaceWatches, limits.maxUserWatches)}.`,
      'Raise fs.inotify.max_user_watches on the node, or find out who of this user holds the watches.',
    )
  } else if (reason === 'EMFILE') {
    yield warning(
      'INOTIFY_EXHAUSTED',
      'There is no inotify instance, or no file descriptor, left (EMFILE): fs.inotify.max_user_instances is ' +
        `${limits.maxUserInstances ?? 'unknown'}` +
        `${describeNamespace('instances', limits.namespaceInstances, limits.maxUserInstances)}.`,
      "Raise fs.inotify.max_user_instances on the node, or the process' limit of open files (ulimit -n).",
    )
  } else {
    yield warning('NO_WATCH', `The directory '${directory}' cannot be watched (${reason}).`)
  }
}

/** A user namespace may allow less than the node does. */
function describeNamespace(
  what: string,
  inNamespace: number | undefined,
  onNode: number | undefined,
): string {
  if (inNamespace === undefined || inNamespace >= (onNode ?? Number.POSITIVE_INFINITY)) return ''
  return `, and this user namespace allows ${inNamespace} (user.max_inotify_${what})`
}
