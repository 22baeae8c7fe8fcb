import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { readDocument, root } from './support/documents.js'
import { snippetsOf } from './support/snippets.js'
import { startWorld, type World } from './support/world.js'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.close())

it('the sidecar of the root README gives the token at the address that curl asks', async () => {
  const snippets = snippetsOf(await readDocument('README.md'))
  const recipe = snippets.find(({ code }) => code.startsWith('npx @projected-token/sidecar'))
  const [command = '', curl = ''] = recipe?.code.split('\n') ?? []
  const [, , ...flags] = command.replace(/\/var\/run\/secrets\/tokens\/[\w-]+/, world.kubelet.path).split(' ')
  const [, header, url = ''] = /-H '([^']+)' (\S+)$/.exec(curl) ?? []
  // The README's port may be taken here.
  const api = await startSidecar([...flags, '--api', '127.0.0.1:0', '--health', 'off'])
  const [name = '', value = ''] = header?.split(': ') ?? []
  const response = await fetch(new URL(new URL(url).pathname, `http://${api}`), {
    headers: { [name]: value },
  })
  expect(await response.json()).toMatchObject({ name: 'api', token: world.kubelet.current.token })
})

/** @returns where its token endpoint listens, as its log says */
async function startSidecar(flags: string[]): Promise<string> {
  const program = path.join(root, 'packages/sidecar/bin/projected-token-sidecar.js')
  const child = spawn(process.execPath, [program, ...flags], {
    env: world.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  for await (const line of createInterface(child.stdout)) {
    const { msg, addresses } = JSON.parse(line) as { msg: string; addresses: { api: string } }
    if (msg !== 'started') continue
    child.stdout.resume() // nobody reads the rest
    return addresses.api
  }
  throw new Error('The sidecar ended without having started')
}
