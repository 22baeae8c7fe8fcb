import { resolve } from 'node:path'
import { meaningOfChange } from './atomic-writer-names.js'

/** A watch on one directory. */
export interface DirectoryWatch {
  close(): void
}

/** What a watch reports. */
export interface DirectoryWatchListener {
  /** The watch is in place: what changes from now on is seen. */
  onReady(): void
  /**
   * Something changed: `published`, when a kubelet put a new version of the volume in place; otherwise anything, the
   * directory itself perhaps.
   */
  onEvent(published: boolean): void
  /** The watch cannot be had, or is gone. Nothing follows. */
  onError(error: unknown): void
}

/**
 * Watches the entries of one directory, not what lies below.
 *
 * Raw events of every name and type count, but for those of a kubelet's preparations, which would cause a read in vain
 * just when the one that matters is due. A rotation is a rename of `..data`: the token file's name never appears. All
 * entries are ignored, so that chokidar watches none of them.
 */
export function watchDirectory(
  directory: string,
  keepAlive: boolean,
  listener: DirectoryWatchListener,
): DirectoryWatch {
  let close: (() => unknown) | undefined
  let closed = false
  const fail = (error: unknown) => {
    if (closed) return
    stop()
    listener.onError(error)
  }
  const stop = () => {
    closed = true
    void close?.()
  }
  // Loaded when first needed: it costs as much as everything else in this package together.
  import('chokidar').then(({ watch }) => {
    if (closed) return
    const watcher = watch(directory, {
      // Resolved, because on Windows chokidar asks with slashes.
      ignored: (path) => resolve(path) !== directory,
      ignoreInitial: true,
      depth: 0,
      persistent: keepAlive,
      usePolling: false,
    })
    close = () => watcher.close()
    watcher.on('raw', (_type, name) => {
      const meaning = meaningOfChange(name)
      if (!closed && meaning !== 'preparation') listener.onEvent(meaning === 'publication')
    })
    watcher.on('ready', () => closed || listener.onReady())
    watcher.on('error', fail)
  }, fail)
  return { close: stop }
}
