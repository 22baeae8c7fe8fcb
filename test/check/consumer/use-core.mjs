/** Watches a file, gets the token, replaces the file as a kubelet would, gets the next. */
import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { load } from './load.mjs'

const { createTokenWatcher } = await load('@projected-token/core')

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
const now = Math.floor(Date.now() / 1000)
const tokenOf = (issuedAt) =>
  `${encode({ alg: 'RS256' })}.${encode({ aud: ['vault'], iat: issuedAt, exp: now + 3600 })}.c2lnbmF0dXJl`

const folder = await mkdtemp(path.join(tmpdir(), 'projected-token-use-'))
const file = path.join(folder, 'token')
const replace = async (token) => {
  await writeFile(`${file}.new`, token)
  await rename(`${file}.new`, file)
}

await replace(tokenOf(now - 60))
const watcher = createTokenWatcher({ path: file, audience: 'vault', keepAlive: true, reloadIntervalMs: 1000 })
assert.equal((await watcher.getToken()).token, tokenOf(now - 60))

const rotated = new Promise((resolve) => watcher.once('rotated', resolve))
await replace(tokenOf(now))
assert.equal((await rotated).token.token, tokenOf(now))
assert.equal((await watcher.getToken()).token, tokenOf(now))
assert.equal(watcher.status().state, 'valid')

await watcher.close()
await rm(folder, { recursive: true })
