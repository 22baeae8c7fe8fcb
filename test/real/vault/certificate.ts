import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const config = `
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:false
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
`

export interface Certificate {
  caPem: string
  certPath: string
  keyPath: string
}

/** An authority made for this run, and by it a certificate for localhost and the loopback addresses. */
export async function createCertificate(directory: string): Promise<Certificate> {
  const file = (name: string) => join(directory, name)
  await writeFile(file('openssl.cnf'), config)
  const openssl = (command: string) =>
    promisify(execFile)('openssl', command.split(' '), { cwd: directory }).catch((cause: Error) => {
      throw new Error(`a server with TLS needs openssl: ${cause.message}`, { cause })
    })
  const request = 'req -config openssl.cnf -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
  const sign =
    'x509 -req -extfile openssl.cnf -extensions server -CA ca.pem -CAkey ca-key.pem -CAcreateserial'
  await openssl(`${request} -x509 -extensions ca -subj /CN=authority -days 2 -keyout ca-key.pem -out ca.pem`)
  await openssl(`${request} -subj /CN=localhost -keyout key.pem -out server.csr`)
  await openssl(`${sign} -days 2 -in server.csr -out cert.pem`)
  return {
    caPem: await readFile(file('ca.pem'), 'utf8'),
    certPath: file('cert.pem'),
    keyPath: file('key.pem'),
  }
}
