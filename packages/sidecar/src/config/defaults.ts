/** What holds where a configuration says nothing. */
export const DEFAULTS = {
  /** The token that there is without any configuration: the pod's own. */
  tokenName: 'default',
  /** The guide to service account token volume projection: periodic reloading, once every 5 minutes, is enough. */
  reloadIntervalMs: 300_000,
  api: '127.0.0.1:8180',
  /** The kubelet's probes come from outside of the pod's loopback. */
  health: ':8080',
  status: 'off',
  /** Below the 30 s of `terminationGracePeriodSeconds` that pods have by default. */
  shutdownTimeoutMs: 25_000,
  logLevel: 'info',
  /** Only who runs as the sidecar's own user may connect. */
  socketMode: 0o600,
  sinkMode: 0o600,
} as const
