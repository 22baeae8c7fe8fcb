import { generate } from 'selfsigned'

/** A certificate for localhost and the loopback addresses, with the authority that signed it. PEM. */
export interface Certificate {
  caPem: string
  certPem: string
  keyPem: string
}

/** Makes an authority for this run, and by it a certificate, for these names too; nothing outside Node is needed. */
export async function createCertificate(names: readonly string[] = []): Promise<Certificate> {
  const options = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const
  const authority = await generate([{ name: 'commonName', value: 'authority' }], {
    ...options,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  })
  const server = await generate([{ name: 'commonName', value: 'localhost' }], {
    ...options,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...['localhost', ...names].map((value) => ({ type: 2 as const, value })),
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  })
  return { caPem: authority.cert, certPem: server.cert, keyPem: server.private }
}
