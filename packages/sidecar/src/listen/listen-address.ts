/** Where a server listens. `mode` and `gid` are those of the socket file. */
export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string; readonly mode?: number; readonly gid?: number }
