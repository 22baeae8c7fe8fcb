import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createCertificate } from '../../support/certificates.js'

/** A certificate in files, as a server's configuration names it. */
export interface CertificateFiles {
  caPem: string
  certPath: string
  keyPath: string
}

export async function writeCertificate(
  directory: string,
  names?: readonly string[],
): Promise<CertificateFiles> {
  const { caPem, certPem, keyPem } = await createCertificate(names)
  const [certPath, keyPath] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  await Promise.all([writeFile(certPath, certPem), writeFile(keyPath, keyPem, { mode: 0o600 })])
  return { caPem, certPath, keyPath }
}
