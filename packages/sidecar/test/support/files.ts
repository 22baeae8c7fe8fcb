import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A directory of the test's own, which goes with it. Its name is short: paths of sockets must be. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'pts-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** Writes a file. @returns its path */
export async function fileWith(content: string | Uint8Array, name = 'file'): Promise<string> {
  const path = join(await temporaryDirectory(), name)
  await writeFile(path, content)
  return path
}

/** A token as an issuer makes them, valid for a day, with a signature that nobody checks here. */
export function tokenOf(id: string, claims: Readonly<Record<string, unknown>> = {}): string {
  const now = Math.floor(Date.now() / 1_000)
  const own = { iss: 'https://issuer.example', aud: ['vault'], sub: 'system:serviceaccount:ns:app', jti: id }
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signature = createHash('sha512').update(id).digest('base64url')
  const times = { iat: now - 60, nbf: now - 60, exp: now + 86_400 }
  return [encode({ alg: 'ES256', kid: 'k' }), encode({ ...own, ...times, ...claims }), signature].join('.')
}

/** @returns the path of a file with the token */
export const tokenFile = (token = tokenOf('token-1')) => fileWith(`${token}\n`, 'token')
