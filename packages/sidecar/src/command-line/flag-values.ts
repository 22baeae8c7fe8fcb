/** What a flag's text says, in the shape of the configuration file; or what was expected instead. */
export type FlagValue = { readonly value: Record<string, unknown> } | { readonly expected: string }

/** Keys that may follow, each `,KEY=VALUE`; a list takes several. */
type Keys = Readonly<Record<string, 'text' | 'list'>>

const TOKEN_KEYS: Keys = { audience: 'list', issuer: 'text', subject: 'text', reloadInterval: 'text' }
const VAULT_KEYS: Keys = {
  jwt: 'text',
  address: 'text',
  method: 'text',
  mount: 'text',
  namespace: 'text',
  caCert: 'text',
  loginSpread: 'text',
}
const PROXY_KEYS: Keys = {
  token: 'text',
  vaultToken: 'text',
  header: 'text',
  scheme: 'text',
  clientHeader: 'text',
  caCert: 'text',
}
const SINK_KEYS: Keys = { token: 'text', vaultToken: 'text', mode: 'text', owner: 'text', format: 'text' }

/** `NAME=PATH[,audience=A]…` */
export const parseTokenFlag = (text: string) => parsePair(text, 'name', 'path', TOKEN_KEYS)

/** `NAME=ROLE,jwt=TOKEN[,address=URL]…` */
export const parseVaultFlag = (text: string) => parsePair(text, 'name', 'role', VAULT_KEYS)

/** `LISTEN=UPSTREAM[,token=NAME]…` */
export const parseProxyFlag = (text: string) => parsePair(text, 'listen', 'upstream', PROXY_KEYS)

/** `PATH[,token=NAME]…` */
export function parseSinkFlag(text: string): FlagValue {
  const [path = '', ...rest] = text.split(',')
  if (path === '') return { expected: `PATH${formOf(SINK_KEYS)}` }
  return withKeys({ path }, rest, SINK_KEYS, 'PATH')
}

function parsePair(text: string, first: string, second: string, keys: Keys): FlagValue {
  const form = `${first.toUpperCase()}=${second.toUpperCase()}`
  const [head = '', ...rest] = text.split(',')
  const at = head.indexOf('=')
  if (at < 1 || at === head.length - 1) return { expected: `${form}${formOf(keys)}` }
  return withKeys({ [first]: head.slice(0, at), [second]: head.slice(at + 1) }, rest, keys, form)
}

function withKeys(
  value: Record<string, unknown>,
  rest: readonly string[],
  keys: Keys,
  form: string,
): FlagValue {
  const expected = `${form}${formOf(keys)}`
  for (const part of rest) {
    const at = part.indexOf('=')
    const key = part.slice(0, Math.max(0, at))
    if (!Object.hasOwn(keys, key)) return { expected }
    const text = part.slice(at + 1)
    if (keys[key] === 'list') value[key] = [...((value[key] as string[] | undefined) ?? []), text]
    else if (Object.hasOwn(value, key)) return { expected }
    else value[key] = text
  }
  return { value }
}

const formOf = (keys: Keys) => `[,KEY=VALUE]… with the keys ${Object.keys(keys).join(', ')}`
