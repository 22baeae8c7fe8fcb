import { resolve } from 'node:path'

/** A watch on one directory. */
export interface DirectoryWatch {
  close(): void
}

/** What a watch reports. */
export interface DirectoryWatchListener {
  /** The watch is in place: what changes from now on is seen. */
  onReady(): void
  /** Something in the directory changed. */
  onEvent(): void
  /** The watch cannot be had, or is gone. Nothing follows. */
  onError(error: unknown): void
}

/**
 * Watches the entries of one directory, not what lies below.
 *
 * Every raw event counts, whatever its name and type: a kubelet's rotation is a rename of `..data`, and the name of the
 * token file never appears. All entries are ignored, so that chokidar scans and stats nothing.
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
    watcher.on('raw', () => closed || listener.onEvent())
    watcher.on('ready', () => closed || listener.onReady())
    watcher.on('error', fail)
  }, fail)
  return { close: stop }
}
