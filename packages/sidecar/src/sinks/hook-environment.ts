import { containsSecret } from '../log/secret-patterns.js'

const TOKEN_VARIABLES = new Set(['VAULT_TOKEN', 'BAO_TOKEN'])

/** Something shorter is part of other words: it is not looked for. */
export const MIN_SECRET_LENGTH = 8

/**
 * The environment of a command that is told of a change: that of this process, without any variable that holds a token,
 * and with the path of the file. The command reads the token there, where its mode and owner decide who may. Pure.
 */
export function hookEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  sinkPath: string,
  secret: string,
): Record<string, string> {
  const isSafe = ([name, value = '']: [string, string | undefined]) =>
    !TOKEN_VARIABLES.has(name) &&
    !containsSecret(value) &&
    !(secret.length >= MIN_SECRET_LENGTH && value.includes(secret))
  const inherited = Object.entries(env).filter(isSafe)
  return { ...(Object.fromEntries(inherited) as Record<string, string>), PROJECTED_TOKEN_SINK: sinkPath }
}
