/**
 * Options as the `vault` CLI, which uses Go's flag package, writes them: one dash or two, `-name=value`, and booleans
 * with a value. What they are called there and here is the same but for these.
 */
const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
  ns: ['--namespace'],
  path: ['--mount'],
  'token-only': ['--field', 'token'],
}
/** Options without a value. */
const SWITCHES = new Set([
  'tls-skip-verify',
  'no-print',
  'no-store',
  'store',
  'token-only',
  'json',
  'revoke',
  'keep-vault-token',
])
/** Go's strconv.ParseBool, whose words these are. */
const TRUE = /^(?:1|t|T|TRUE|true|True)$/
const FALSE = /^(?:0|f|F|FALSE|false|False)$/

/**
 * Rewrites a command line that begins with `vault` in this program's own way: `-format=json` to `--format=json`,
 * `-path=k8s` to `--mount=k8s`. What follows `--` belongs to another program and stays. Pure.
 */
export function normaliseVaultArgv(argv: readonly string[]): string[] {
  if (argv[0] !== 'vault') return [...argv]
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length
  return [...argv.slice(0, end).flatMap(normalise), ...argv.slice(end)]
}

function normalise(argument: string): readonly string[] {
  const [, name = '', value] = /^--?([a-z][a-z-]+)(?:=(.*))?$/s.exec(argument) ?? []
  if (name === '') return [argument]
  const isSwitch = SWITCHES.has(name)
  if (isSwitch && value !== undefined && FALSE.test(value)) return []
  const [option = `--${name}`, ...more] = OTHER_NAMES[name] ?? []
  if (value === undefined || (isSwitch && TRUE.test(value))) return [option, ...more]
  return [`${option}=${value}`, ...more]
}
