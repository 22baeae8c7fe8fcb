/** Those of `loginSpreadMs` in `@projected-token/vault`: what can be set there can be set here. */
export const MIN_LOGIN_SPREAD_MS = 5_000
export const MAX_LOGIN_SPREAD_MS = 86_400_000

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** Reads `500ms`, `30s`, `1.5m`, `1h`; `undefined` when it is none. */
export function parseDurationMs(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text) ?? []
  const unitMs = UNITS_MS[unit]
  return number === undefined || unitMs === undefined ? undefined : Math.round(Number(number) * unitMs)
}
