import { checkConfig } from './check-config.js'
import { ConfigError } from './problem.js'
import { readYaml } from './read-yaml.js'
import type { SidecarConfig } from './sidecar-config.js'

/**
 * Reads a configuration file's text; touches no file.
 *
 * @param fileName for messages
 * @throws ConfigError (`ERR_CONFIG`), which lists all problems: each with line, column, what was found and what was
 *   expected
 */
export function parseConfig(text: string, fileName: string): SidecarConfig {
  const read = readYaml(text, fileName)
  const result = 'problems' in read ? read : checkConfig(read.raw)
  if ('problems' in result) throw new ConfigError(result.problems)
  return result.config
}
