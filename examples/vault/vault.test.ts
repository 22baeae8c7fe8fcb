import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type FakeKubelet, startFakeKubelet } from '@projected-token/testing'
import { describe, expect, it, onTestFinished } from 'vitest'

const examples = ['plain-fetch.mjs', 'node-vault.mjs', 'litehex-node-vault.mjs']
const DEAD = { errors: ['2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n'] }

/** The examples import the packages as users do, from what `npm run build` made before the tests. */
describe.each(examples)('%s', (example) => {
  it('reads with the token of its login', async () => {
    const vault = await startVault({ leaseSeconds: 3_600 })
    const { stdout } = await runExample(example, vault)
    expect(passwords(stdout)).toEqual(['hunter2', 'hunter2', 'hunter2'])
    expect(vault.logins).toBe(1)
    expect(vault.read).toEqual(['hvs.1', 'hvs.1', 'hvs.1'])
  })

  it('goes on with the next token when the lease ends', async () => {
    const vault = await startVault({ leaseSeconds: 1, firstReadWaitsForLogin: true })
    const { stdout } = await runExample(example, vault)
    expect(passwords(stdout)).toHaveLength(3)
    expect(vault.read[0]).toBe('hvs.1')
    expect(vault.read.at(-1)).not.toBe('hvs.1')
  })

  it('logs in again when its token is dead', async () => {
    const vault = await startVault({ leaseSeconds: 3_600, diesAfterFirstRead: true })
    const { stdout } = await runExample(example, vault)
    expect(passwords(stdout)).toHaveLength(3)
    expect(vault.logins).toBe(2)
    expect(vault.read).toEqual(['hvs.1', 'hvs.2', 'hvs.2'])
  })
})

const passwords = (stdout: string) => stdout.match(/hunter2/g) ?? []

async function runExample(example: string, vault: { address: string; kubelet: FakeKubelet }) {
  const program = fileURLToPath(new URL(example, import.meta.url))
  const foreign = Object.keys(process.env).filter((name) => /^(VAULT|BAO)_/.test(name))
  const env = {
    ...process.env,
    ...Object.fromEntries(foreign.map((name) => [name, undefined])),
    ...{ VAULT_ADDR: vault.address, VAULT_ROLE: 'app', TOKEN_PATH: vault.kubelet.path },
  }
  return promisify(execFile)(process.execPath, [program], { env, timeout: 20_000 })
}

interface Faults {
  leaseSeconds: number
  /** The answer to the first read comes after that to the second login. */
  firstReadWaitsForLogin?: boolean
  diesAfterFirstRead?: boolean
}

/** Answers as Vault does, to JWTs that are the kubelet's and to tokens that it gave. */
async function startVault({ leaseSeconds, firstReadWaitsForLogin, diesAfterFirstRead }: Faults) {
  const kubelet = await startFakeKubelet({ audience: 'vault' })
  onTestFinished(() => kubelet.close())
  const alive = new Set<string>()
  const vault = { kubelet, address: '', logins: 0, read: [] as string[] }
  let secondLogin = () => {}
  const afterSecondLogin = new Promise<void>((resolve) => {
    secondLogin = resolve
  })

  async function login(request: IncomingMessage, response: ServerResponse) {
    const { role, jwt } = JSON.parse(await text(request))
    const isGood = await kubelet.verify(jwt).then(
      () => role === 'app',
      () => false,
    )
    if (!isGood) return answer(response, 403, { errors: ['permission denied'] })
    const token = `hvs.${++vault.logins}`
    alive.add(token)
    if (vault.logins === 2) response.once('finish', secondLogin)
    const auth = {
      client_token: token,
      lease_duration: leaseSeconds,
      renewable: false,
      token_type: 'service',
    }
    return answer(response, 200, { auth: { ...auth, policies: [], token_policies: [], num_uses: 0 } })
  }

  async function read(token: string, response: ServerResponse) {
    if (!alive.has(token)) return answer(response, 403, DEAD)
    vault.read.push(token)
    if (vault.read.length === 1 && diesAfterFirstRead) alive.delete(token)
    if (vault.read.length === 1 && firstReadWaitsForLogin) await afterSecondLogin
    const metadata = {
      created_time: '',
      custom_metadata: null,
      deletion_time: '',
      destroyed: false,
      version: 1,
    }
    const nothing = {
      lease_id: '',
      renewable: false,
      lease_duration: 0,
      wrap_info: null,
      warnings: null,
      auth: null,
    }
    const data = { data: { password: 'hunter2' }, metadata }
    return answer(response, 200, { request_id: 'a', ...nothing, data })
  }

  const server = createServer((request, response) => {
    const token = String(request.headers['x-vault-token'] ?? '')
    if (request.url === '/v1/auth/kubernetes/login') void login(request, response)
    else if (request.url === '/v1/secret/data/app') void read(token, response)
    else answer(response, 404, { errors: [] })
  }).listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  vault.address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return vault
}

function answer(response: ServerResponse, status: number, body: unknown) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
