import { constants, type Dirent } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import path from 'node:path'

/** PEM text or bytes. */
export type Pem = string | Uint8Array

/** Where the TLS settings come from: bytes win over files. */
export interface TlsSource {
  readonly ca?: Pem | undefined
  readonly caFile?: string | undefined
  readonly caDirectory?: string | undefined
  readonly clientCert?: Pem | undefined
  readonly clientCertFile?: string | undefined
  readonly clientKey?: Pem | undefined
  readonly clientKeyFile?: string | undefined
  readonly serverName?: string | undefined
  readonly skipVerify?: boolean | undefined
}

/** What a TLS connection needs. */
export interface TlsMaterial {
  readonly ca: readonly Pem[]
  readonly cert: Pem | undefined
  readonly key: Pem | undefined
}

/** `O_NONBLOCK`: opening a FIFO does not wait for a writer, which would hold the process. Absent on Windows. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)
/** All authorities of a system have 0.2 MB. */
const MAX_PEM_BYTES = 4 * 1_048_576

/**
 * Reads the files, which cert-manager and its like replace while the program runs: so not once, at construction.
 *
 * @throws the operating system's error, with the path.
 */
export async function readTlsFiles(source: TlsSource): Promise<TlsMaterial> {
  const [ca, cert, key] = await Promise.all([
    readAuthorities(source),
    source.clientCert ?? readOptional(source.clientCertFile),
    source.clientKey ?? readOptional(source.clientKeyFile),
  ])
  return { ca, cert, key }
}

async function readAuthorities({ ca, caFile, caDirectory }: TlsSource): Promise<readonly Pem[]> {
  if (ca !== undefined) return [ca]
  if (caFile !== undefined) return [await readPem(caFile)]
  if (caDirectory === undefined) return []
  // As VAULT_CAPATH: every certificate in the directory; a mounted volume's `..data` is no certificate.
  const entries = await readdir(caDirectory, { withFileTypes: true })
  const isCandidate = (entry: Dirent) => entry.isFile() || entry.isSymbolicLink()
  const files = entries.filter((entry) => isCandidate(entry) && !entry.name.startsWith('..'))
  const texts = await Promise.all(files.map(({ name }) => readPem(path.join(caDirectory, name))))
  const authorities = texts.filter((text) => text.includes('-----BEGIN'))
  // With an empty list everybody would be trusted whom the system trusts.
  if (authorities.length === 0) throw unusable(caDirectory, 'holds no certificate')
  return authorities
}

/** Names its path as the operating system's errors do. */
function unusable(file: string, problem: string): Error {
  return Object.assign(new Error(`'${file}' ${problem}`), { path: file })
}

async function readOptional(file: string | undefined): Promise<string | undefined> {
  return file === undefined ? undefined : readPem(file)
}

async function readPem(file: string): Promise<string> {
  const handle = await open(file, OPEN_FLAGS)
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw unusable(file, 'is no regular file')
    if (stats.size > MAX_PEM_BYTES) throw unusable(file, `has more than ${MAX_PEM_BYTES} bytes`)
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}
