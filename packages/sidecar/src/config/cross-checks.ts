import { DEFAULTS } from './defaults.js'
import { checkListeners, checkLoops } from './listener-checks.js'
import { nearest } from './nearest.js'
import { checkPaths } from './path-checks.js'
import { type ConfigProblem, describeValue, formatPath } from './problem.js'
import { type ConfigPath, type Item, type RawConfig, type Report, valueAt } from './raw-config.js'

/**
 * Checks what several values say together. It takes any shape, so that one run lists all problems.
 *
 * @param configFile where it was read, if it was
 */
export function checkAcross(raw: RawConfig, configFile?: string): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  const report: Report = (path, found, expected) =>
    problems.push({ location: raw.locate(path), path: formatPath(path), found, expected })
  const items = (key: string) => {
    const list = valueAt(raw.value, [key])
    return Array.isArray(list)
      ? list.map((value: unknown, index) => ({ value, path: [key, index] as const }))
      : []
  }
  const names = {
    token: namesOf(items('tokens'), 'tokens' in Object(raw.value) ? [] : [DEFAULTS.tokenName], report),
    vaultToken: namesOf(items('vaultTokens'), [], report),
  }
  for (const { value, path } of items('vaultTokens')) {
    checkReference(valueAt(value, ['jwt']), [...path, 'jwt'], names.token, report)
    checkOneOf(value, path, 'loginSpread', report)
  }
  for (const { value, path } of [...items('proxies'), ...items('sinks')])
    checkSource(value, path, names, report)
  for (const { value, path } of items('sinks'))
    checkAction(valueAt(value, ['onChange']), [...path, 'onChange'], report)
  for (const { value, path } of items('tokens')) checkOneOf(value, path, 'reloadInterval', report)
  for (const { value, path } of items('proxies')) {
    checkOneOf(value, path, 'connectTimeout', report)
    checkOneOf(value, path, 'headersTimeout', report)
  }
  checkOneOf(raw.value, [], 'shutdownTimeout', report)
  const listeners = checkListeners(raw, items('proxies'), report)
  checkLoops(listeners, report)
  checkPaths({ tokens: items('tokens'), sinks: items('sinks'), listeners, configFile }, report)
  return problems
}

function namesOf(items: readonly Item[], implied: readonly string[], report: Report): ReadonlySet<string> {
  const names = new Set<string>(implied)
  for (const { value, path } of items) {
    const name = valueAt(value, ['name'])
    if (typeof name !== 'string') continue
    if (names.has(name)) report([...path, 'name'], `${describeValue(name)} again`, 'a name that is not taken')
    names.add(name)
  }
  return names
}

function checkReference(name: unknown, path: ConfigPath, names: ReadonlySet<string>, report: Report): void {
  if (typeof name !== 'string' || names.has(name)) return
  const meant = nearest(name, [...names])
  const known = [...names].slice(0, 20).map(describeValue).join(', ')
  const expected = names.size === 0 ? 'a name that is defined; there is none' : `one of ${known}`
  report(
    path,
    `the unknown name ${describeValue(name)}`,
    meant ? `${describeValue(meant)}, perhaps; ${expected}` : expected,
  )
}

function checkSource(
  value: unknown,
  path: ConfigPath,
  names: { token: ReadonlySet<string>; vaultToken: ReadonlySet<string> },
  report: Report,
): void {
  const token = valueAt(value, ['token'])
  const vaultToken = valueAt(value, ['vaultToken'])
  if (token !== undefined && vaultToken !== undefined)
    report([...path, 'vaultToken'], 'both', 'one of token and vaultToken')
  else if (token === undefined && vaultToken === undefined)
    report(path, 'neither', 'one of token and vaultToken')
  checkReference(token, [...path, 'token'], names.token, report)
  checkReference(vaultToken, [...path, 'vaultToken'], names.vaultToken, report)
}

function checkAction(action: unknown, path: ConfigPath, report: Report): void {
  if (typeof action !== 'object' || action === null) return
  const has = (key: string) => Object.hasOwn(action, key)
  checkOneOf(action, path, 'timeout', report)
  const isCommand = has('command') && !has('signal') && !has('pidFile')
  const isTimed = has('timeout') || has('timeoutMs')
  const isSignal = !has('command') && !isTimed && has('signal') && has('pidFile')
  if (!isCommand && !isSignal) {
    report(
      path,
      `a map with ${Object.keys(action).length} keys`,
      'either command, perhaps with timeout, or signal and pidFile',
    )
  }
}

/** `30s`, or the same in milliseconds with another name. */
function checkOneOf(value: unknown, path: ConfigPath, key: string, report: Report): void {
  const keyMs = `${key}Ms`
  if (valueAt(value, [key]) === undefined || valueAt(value, [keyMs]) === undefined) return
  report([...path, keyMs], 'both', `one of ${key} and ${keyMs}`)
}
