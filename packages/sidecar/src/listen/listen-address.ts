/**
 * Where a server listens. The `host` `::` is all interfaces, and with the `port` 0 the system chooses one. `mode` (0o600 by
 * default) and `gid` (by default that of the process) are those of the socket file.
 */
export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string; readonly mode?: number; readonly gid?: number }
