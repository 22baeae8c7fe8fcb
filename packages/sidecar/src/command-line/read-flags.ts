import type { ConfigProblem } from '../config/problem.js'
import type { RawConfig } from '../config/raw-config.js'
import {
  type FlagValue,
  parseProxyFlag,
  parseSinkFlag,
  parseTokenFlag,
  parseVaultFlag,
} from './flag-values.js'

/** What flags or variables say; texts as they were given. */
export interface FlagTexts {
  readonly token?: readonly string[] | undefined
  readonly vault?: readonly string[] | undefined
  readonly proxy?: readonly string[] | undefined
  readonly sink?: readonly string[] | undefined
  readonly api?: string | undefined
  readonly health?: string | undefined
  readonly status?: string | undefined
  readonly shutdownTimeout?: string | undefined
  readonly logLevel?: string | undefined
}

const LISTS = [
  ['token', 'tokens', parseTokenFlag],
  ['vault', 'vaultTokens', parseVaultFlag],
  ['proxy', 'proxies', parseProxyFlag],
  ['sink', 'sinks', parseSinkFlag],
] as const satisfies readonly (readonly [keyof FlagTexts, string, (text: string) => FlagValue])[]
const LISTENERS = ['api', 'health', 'status'] as const
const TEXTS = ['shutdownTimeout', 'logLevel'] as const

/** What flags or variables say, without those that say nothing that can be understood: these are problems. */
export interface FlagsResult {
  readonly raw: RawConfig
  readonly problems: readonly ConfigProblem[]
}

/** A configuration from flags or variables. `nameOf` gives the flag's or variable's name, for messages. */
export function readFlags(texts: FlagTexts, nameOf: (flag: keyof FlagTexts) => string): FlagsResult {
  const value: Record<string, unknown> = {}
  const origins = new Map<string, keyof FlagTexts>()
  const problems: ConfigProblem[] = []
  const set = (key: string, flag: keyof FlagTexts, content: unknown) => {
    value[key] = content
    origins.set(key, flag)
  }
  for (const [flag, key, parse] of LISTS) {
    const given = texts[flag]
    if (given === undefined) continue
    const parsed = given.map(parse)
    const bad = parsed.flatMap((one) => ('expected' in one ? [one.expected] : []))
    for (const expected of bad) {
      problems.push({ location: nameOf(flag), path: '', found: 'another text', expected })
    }
    const values = parsed.flatMap((one) => ('value' in one ? [one.value] : []))
    if (bad.length === 0) set(key, flag, values)
  }
  for (const key of LISTENERS) if (texts[key] !== undefined) set(key, key, { listen: texts[key] })
  for (const key of TEXTS) if (texts[key] !== undefined) set(key, key, texts[key])
  const raw: RawConfig = {
    value,
    locate: ([key]) => {
      const flag = origins.get(String(key))
      return flag === undefined ? 'configuration' : nameOf(flag)
    },
  }
  return { raw, problems }
}

/**
 * Gives proxies and sinks of flags that name no token the first one of the whole configuration: with one token, which
 * is what flags are for, there is nothing to name.
 */
export function withImpliedTokens(flags: RawConfig, all: RawConfig, fallbackName: string): RawConfig {
  const lists = flags.value as Record<string, unknown>
  const tokens = (all.value as { tokens?: { name?: unknown }[] }).tokens
  const name = tokens === undefined ? fallbackName : Array.isArray(tokens) ? tokens[0]?.name : undefined
  if (typeof name !== 'string') return flags
  const value = { ...lists }
  for (const key of ['proxies', 'sinks']) {
    const list = lists[key] as Record<string, unknown>[] | undefined
    if (list)
      value[key] = list.map((one) => ('token' in one || 'vaultToken' in one ? one : { ...one, token: name }))
  }
  return { ...flags, value }
}
