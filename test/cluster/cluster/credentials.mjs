/** Keys, certificates and tokens of one cluster; they are worth nothing after it. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { loadTypeScript } from '../support/load-typescript.mjs'

/** Its address in the cluster, for the API server, is the loopback interface: the kubelet listens nowhere else. */
export const NODE = 'localhost'

export async function createCredentials(folder) {
  const { createCertificate } = await loadTypeScript('test/support/certificates.ts')
  const { caPem, certPem, keyPem } = await createCertificate()
  const signing = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const signingKeyPem = signing.privateKey.export({ type: 'pkcs8', format: 'pem' })
  const publicKeyPem = signing.publicKey.export({ type: 'spki', format: 'pem' })
  const [adminToken, nodeToken] = [0, 0].map(() => randomBytes(24).toString('hex'))
  const files = {
    ca: caPem,
    certificate: certPem,
    key: keyPem,
    signingKey: signingKeyPem,
    verificationKey: publicKeyPem,
    users: `${adminToken},admin,admin,"system:masters"\n${nodeToken},system:node:${NODE},node,"system:nodes"\n`,
  }
  const paths = {}
  for (const [name, content] of Object.entries(files)) {
    paths[name] = path.join(folder, `${name}.pem`)
    await writeFile(paths[name], content, { mode: 0o600 })
  }
  return { paths, caPem, certPem, keyPem, signingKeyPem, adminToken, nodeToken }
}
