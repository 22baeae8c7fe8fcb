import { checkAudience, checkNames, checkNumber, checkType } from './check-options.js'

/** What one token has that others of the same kubelet have not. */
export interface TokenOptions {
  /** @default the kubelet's */
  audience?: string | string[] | undefined
  /** Life in seconds, 1 to 2³²; the next rotation follows it. @default the kubelet's */
  expirationSeconds?: number | undefined
  /** @default the kubelet's */
  extendedExpiration?: boolean | undefined
  /** @default the kubelet's */
  issuer?: string | undefined
  /** Claims laid over all others; `undefined` takes one away. The rotation does not follow them. @default none */
  claims?: Record<string, unknown> | undefined
}

/** @throws TypeError or RangeError naming the option. */
export function checkTokenOptions(options: TokenOptions): void {
  const { audience, expirationSeconds, extendedExpiration, issuer, claims } = options
  if (audience !== undefined) checkAudience('audience', audience)
  if (expirationSeconds !== undefined) {
    checkNumber('expirationSeconds', expirationSeconds, {
      min: 1,
      max: 2 ** 32,
      integer: true,
      unit: 'seconds',
    })
  }
  if (extendedExpiration !== undefined) checkType('extendedExpiration', extendedExpiration, 'boolean')
  if (issuer !== undefined) checkType('issuer', issuer, 'string')
  if (claims !== undefined && (typeof claims !== 'object' || claims === null || Array.isArray(claims))) {
    throw new TypeError("'claims' must be an object")
  }
}

/** {@link checkTokenOptions}, and no unknown names. */
export function checkAllTokenOptions(owner: string, options: TokenOptions): void {
  checkNames(owner, options, ['audience', 'expirationSeconds', 'extendedExpiration', 'issuer', 'claims'])
  checkTokenOptions(options)
}
