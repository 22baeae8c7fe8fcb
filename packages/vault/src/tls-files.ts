import { readdir, readFile } from 'node:fs/promises'
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
  if (caFile !== undefined) return [await readFile(caFile, 'utf8')]
  if (caDirectory === undefined) return []
  // As VAULT_CAPATH: every certificate in the directory; a mounted volume's `..data` is no certificate.
  const entries = await readdir(caDirectory, { withFileTypes: true })
  const files = entries.filter((entry) => !entry.isDirectory() && !entry.name.startsWith('..'))
  const texts = await Promise.all(files.map(({ name }) => readFile(path.join(caDirectory, name), 'utf8')))
  return texts.filter((text) => text.includes('-----BEGIN'))
}

async function readOptional(file: string | undefined): Promise<string | undefined> {
  return file === undefined ? undefined : readFile(file, 'utf8')
}
