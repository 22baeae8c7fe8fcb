import type { TokenWatcher, TokenWatcherEvents } from '../../src/index.js'

/** The next such event. */
export function next<Name extends keyof TokenWatcherEvents>(
  watcher: TokenWatcher,
  name: Name,
): Promise<TokenWatcherEvents[Name]> {
  return new Promise((resolve) => watcher.once(name, resolve))
}

/** The names of all events from now on, in order; those of the watch's health left out. */
export function record(watcher: TokenWatcher): string[] {
  const names: string[] = []
  for (const name of ['rotated', 'failed', 'recovered', 'overdue', 'expired'] as const) {
    watcher.on(name, () => names.push(name))
  }
  return names
}

/** Fulfils when the watch is in place. */
export async function watching(watcher: TokenWatcher): Promise<void> {
  while (watcher.status().watch.state !== 'watching') await next(watcher, 'watch')
  // The read that follows the arming of a watch is done.
  await watcher.reload().catch(() => {})
}

/** The error that a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  return promise.then(
    () => {
      throw new Error('it did not reject')
    },
    (error) => error,
  )
}
