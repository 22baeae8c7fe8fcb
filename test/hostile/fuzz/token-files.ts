import { execFileSync } from 'node:child_process'
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTokenWatcher, TokenError } from '@projected-token/core'
import { createAuthFetch } from '@projected-token/fetch'
import * as fc from 'fast-check'
import { AUDIENCE, goodToken, tokenBytes, tokenBytesOfAnySize } from './arbitraries.js'
import { ensureDiscreet, ensureSendable, TOKEN_CODES } from './oracles.js'
import { startRawServer } from './raw-server.js'
import { defineTarget, ensure } from './target.js'

interface Case {
  /** What lies in the file, one after the other. */
  readonly contents: readonly Uint8Array[]
  readonly audience: string | undefined
  readonly maxTokenBytes: number | undefined
  readonly watch: boolean
  /** Instead of a file. */
  readonly place: 'file' | 'directory' | 'fifo' | 'loop' | 'device' | 'through-a-file' | 'long-name'
}

const arbitrary: fc.Arbitrary<Case> = fc.record({
  contents: fc.array(
    fc.oneof(
      { weight: 4, arbitrary: tokenBytes },
      { weight: 1, arbitrary: tokenBytesOfAnySize },
      { weight: 2, arbitrary: fc.constantFrom('one', 'two').map((id) => Buffer.from(goodToken(id))) },
    ),
    { minLength: 1, maxLength: 3 },
  ),
  audience: fc.constantFrom(undefined, AUDIENCE),
  maxTokenBytes: fc.oneof(
    { weight: 5, arbitrary: fc.constant(undefined) },
    fc.integer({ min: 1, max: 2_000 }),
  ),
  watch: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.constant(true)),
  place: fc.oneof(
    { weight: 40, arbitrary: fc.constant('file' as const) },
    fc.constantFrom('directory', 'fifo', 'loop', 'device', 'through-a-file', 'long-name'),
  ),
})

/** Real files, a real watcher, and a real request for each token that it gives. */
export const tokenFilesTarget = defineTarget<Case>({
  name: 'token-files',
  what: 'real files of any content and kind, at a watcher whose token goes to a real server',
  share: 60,
  async open(scratch) {
    const server = await startRawServer()
    const places = await makePlaces(scratch)
    return {
      arbitrary,
      async check({ contents, audience, maxTokenBytes, watch, place }) {
        const { path } = places[place]
        const isFile = place === 'file'
        await rm(places.file.path, { force: true })
        if (isFile) await writeFile(path, contents[0] as Uint8Array)
        const watcher = createTokenWatcher({ path, audience, maxTokenBytes, watch, startupTimeoutMs: 0 })
        const send = createAuthFetch(watcher, { origins: [server.origin] })
        try {
          for (const [index, content] of contents.entries()) {
            if (index > 0 && isFile) await writeFile(path, content)
            await watcher.reload().then(
              () => send(`${server.origin}/`).then((response) => response.text()),
              (error) => {
                ensure(error instanceof TokenError && TOKEN_CODES.has(error.code), `a TokenError: ${error}`)
                ensureDiscreet(error, 'an error', 20_000)
              },
            )
            ensureDiscreet(JSON.stringify(watcher.status()), 'the status', 2_000_000)
            ensureDiscreet(watcher, 'an inspected watcher', 2_000_000)
          }
          ensure(isFile || watcher.status().state !== 'valid', `there is no token in ${place}`)
          ensure(server.violations.length === 0, `what arrives is HTTP: ${server.violations[0]}`)
          for (const request of server.requests) ensureSendable(request, contents, audience)
        } finally {
          server.requests = []
          server.violations = []
          await watcher.close()
        }
      },
      close: () => server.close(),
    }
  },
})

async function makePlaces(scratch: string): Promise<Record<Case['place'], { path: string }>> {
  const at = (name: string) => ({ path: join(scratch, name) })
  await mkdir(at('directory').path)
  await writeFile(at('plain').path, '')
  await symlink('loop', at('loop').path)
  execFileSync('mkfifo', [at('fifo').path])
  return {
    file: at('token'),
    directory: at('directory'),
    fifo: at('fifo'),
    loop: at('loop'),
    device: { path: '/dev/zero' },
    'through-a-file': at('plain/token'),
    'long-name': at('n'.repeat(300)),
  }
}
