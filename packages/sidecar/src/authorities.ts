import { ConfigError, type ConfigProblem } from './config/problem.js'
import type { ProxyConfig } from './config/sidecar-config.js'
import { readSmallFile } from './files.js'

/** A bundle of all public authorities has a quarter of it. */
const MAX_CA_BYTES = 1_048_576

/**
 * Reads the files of authorities that proxies name, in their order; a proxy without one has `undefined`.
 *
 * @throws ConfigError for all those that cannot be read
 */
export async function readAuthorities(
  proxies: readonly Pick<ProxyConfig, 'caFile'>[],
): Promise<readonly (Buffer | undefined)[]> {
  const problems: ConfigProblem[] = []
  const read = async (path: string, index: number) => {
    try {
      return await readSmallFile(path, MAX_CA_BYTES)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      problems.push({
        location: 'configuration',
        path: `proxies[${index}].caCert`,
        found:
          code === 'ENOENT' ? `no file at '${path}'` : `a file '${path}' that ${unusable(code, message)}`,
        expected: 'a file of authorities that can be read',
      })
      return undefined
    }
  }
  const authorities = await Promise.all(
    proxies.map(({ caFile }, index) => (caFile === undefined ? undefined : read(caFile, index))),
  )
  if (problems.length > 0) throw new ConfigError(problems.sort((a, b) => (a.path < b.path ? -1 : 1)))
  return authorities
}

function unusable(code: string | undefined, message: string): string {
  return code === undefined ? message : `cannot be read (${code})`
}
