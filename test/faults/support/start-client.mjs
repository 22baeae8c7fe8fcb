/** One adapter at work: its process, how a request is made through it, and what it tells of itself. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import { waitFor } from './asking.mjs'
import { programOf, startProcess } from './child.mjs'

const LIBRARY_CLIENT = fileURLToPath(new URL('../clients/client.mjs', import.meta.url))
/** Before an idle connection is closed: where there are no descriptors, there is no other one. */
const WARM_INTERVAL_MS = 1_000
const STATUS_TIMEOUT_MS = 10_000
const FIRST_WRITE_PATIENCE_MS = 3_000
/** Signs that a token in a file is not one at all, rather than one that a server refuses. */
const TORN = new Set(['ERR_JWS_INVALID', 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED', 'ERR_JWT_INVALID'])

/**
 * @typedef {object} RunningClient
 * @property {string} adapter
 * @property {import('../faults/context.mjs').FaultClient[]} processes
 * @property {() => Promise<object>} request what the caller of one request gets: see clients/client.mjs
 * @property {() => Promise<{ reads?: number, watch?: string, logins?: number, isSilent?: boolean }>} status of the
 *   token's watcher; a silent one tells nothing. Rejects when it cannot be asked just now
 * @property {import('../faults/context.mjs').FaultSink[]} [sinks]
 * @property {() => Promise<void>} close
 */

/** @returns {Promise<RunningClient>} */
export function startClient(adapter, world) {
  if (adapter === 'proxy') return startProxy(world)
  if (adapter === 'sink') return world.launch === 'agent' ? startAgentSink(world) : startSidecarSink(world)
  return startLibrary(adapter, world)
}

async function startLibrary(adapter, { watcher, launch, servers }) {
  const { url, caPem, mount } = servers[adapter]
  const child = startProcess(LIBRARY_CLIENT, [JSON.stringify({ adapter, url, caPem, mount, watcher })], {
    launch,
  })
  await child.toPrint((output) => output.includes('ready\n') || undefined)
  return {
    adapter,
    processes: [child],
    request: () => child.control('request'),
    async status() {
      const { watcher: own, logins } = await child.control('status')
      return { reads: own.reads, watch: own.watch.state, logins }
    },
    close: () => child.close(),
  }
}

async function startProxy(world) {
  const upstream = world.servers.proxy.url
  const sidecar = await startSidecar(world, 'proxy', {
    proxies: [{ listen: '127.0.0.1:0', upstream, token: 'api' }],
  })
  return {
    adapter: 'proxy',
    ...sidecar,
    async request() {
      const { statusCode, body } = await sidecar.ask('proxy', '/who-am-i')
      if (statusCode === 200) return { kind: 'accepted', id: (await body.json()).id }
      const text = await body.text()
      const [, code] = /"code":"(ERR_PROXY_\w+)"/.exec(text) ?? []
      return code ? { kind: 'error', code, message: text } : { kind: 'answer', status: statusCode }
    },
  }
}

async function startSidecarSink(world) {
  const file = await sinkFile(world)
  const sidecar = await startSidecar(world, 'sink', { sinks: [{ path: file, token: 'api' }] })
  // It listens before it writes; where there is no token there is no file.
  await waitFor(async () => (await contentOf(file)) !== undefined, FIRST_WRITE_PATIENCE_MS)
  const { url } = world.servers.sink
  const reader = new Pool(url, { connections: 1 })
  return {
    adapter: 'sink',
    ...sidecar,
    sinks: [
      { directory: path.dirname(file), write: () => world.kubelet.rotate(), writer: sidecar.processes[0] },
    ],
    async request() {
      const token = await contentOf(file)
      if (token === undefined) return { kind: 'no file' }
      const headers = { authorization: `Bearer ${token}` }
      const { statusCode, body } = await reader.request({ method: 'GET', path: '/', headers })
      const { id, reason } = await body.json()
      if (statusCode === 200) return { kind: 'accepted', id }
      return TORN.has(reason) ? { kind: 'torn' } : { kind: 'answer', status: statusCode }
    },
    async close() {
      await reader.destroy()
      await sidecar.close()
    },
  }
}

/** `vault agent` of the command line: its sink holds a Vault token. */
async function startAgentSink(world) {
  const file = await sinkFile(world)
  const { url, mount } = world.servers.vault
  const args = ['vault', 'agent', '--json', '--role', 'app', '--method', 'jwt', '--mount', mount]
  args.push('--address', url, '--token-path', world.kubelet.path, '--audience', 'api', '--sink', file)
  let child
  let length
  const start = () => {
    child = startProcess(programOf('cli', 'projected-token'), args)
  }
  start()
  const writer = {
    get pid() {
      return child.pid
    },
    control: (...args) => child.control(...args),
    signal: (name) => child.signal(name),
    exit: () => child.exit,
    async restart() {
      await child.close()
      start()
    },
  }
  return {
    adapter: 'sink',
    processes: [writer],
    // It writes at each login, and logs in when it starts.
    sinks: [{ directory: path.dirname(file), write: () => writer.restart(), writer }],
    status: async () => ({ isSilent: true }),
    async request() {
      const token = await contentOf(file)
      if (token === undefined) return { kind: 'no file' }
      const headers = { 'x-vault-token': token, 'x-vault-request': 'true' }
      const response = await fetch(`${url}/v1/auth/token/lookup-self`, { headers })
      await response.body?.cancel()
      if (response.status !== 200) {
        // All of one Vault's are of one length.
        return token.length < length ? { kind: 'torn' } : { kind: 'answer', status: response.status }
      }
      length = token.length
      return { kind: 'accepted', id: token }
    },
    close: () => child.close(),
  }
}

/** A sidecar of its own for each adapter, which begins anew after a death. */
async function startSidecar({ directory, kubelet, watcher, launch }, name, settings) {
  const { audience, issuer, subject, reloadIntervalMs } = watcher
  const config = path.join(directory, `${name}.json`)
  const token = { name: 'api', path: kubelet.path, audience, issuer, subject, reloadIntervalMs }
  const listeners = { api: { listen: 'off' }, health: { listen: '127.0.0.1:0' } }
  // JSON is YAML.
  await writeFile(config, JSON.stringify({ tokens: [token], ...listeners, ...settings }))
  const pools = {}
  let child

  const closePools = () => Promise.all(Object.values(pools).map((pool) => pool.destroy()))
  const start = async () => {
    child = startProcess(programOf('sidecar', 'projected-token-sidecar'), ['--config', config], { launch })
    const addresses = await child.toPrint(addressesIn)
    await closePools()
    const origins = { health: addresses.health, proxy: addresses.proxies[0] }
    for (const [key, address] of Object.entries(origins)) {
      if (address) pools[key] = new Pool(`http://${address}`, { connections: 1, keepAliveTimeout: 600_000 })
    }
  }
  await start()
  const ask = (key, target, options = {}) => pools[key].request({ method: 'GET', path: target, ...options })
  const warm = async () => (await ask('health', '/healthz')).body.dump()
  const warming = setInterval(() => warm().catch(() => {}), WARM_INTERVAL_MS)
  const process = {
    get pid() {
      return child.pid
    },
    control: (...args) => child.control(...args),
    signal: (signal) => child.signal(signal),
    exit: () => child.exit,
    async restart() {
      await child.close()
      await start()
    },
  }
  return {
    processes: [process],
    ask,
    async status() {
      const { body } = await ask('health', '/status', { headersTimeout: STATUS_TIMEOUT_MS })
      const [{ status }] = (await body.json()).sources
      return { reads: status.reads, watch: status.watch.state }
    },
    async close() {
      clearInterval(warming)
      await closePools()
      await child.close()
    },
  }
}

/** From the log line that a sidecar begins with. */
function addressesIn(output) {
  const line = output.split('\n').find((one) => one.includes('"msg":"started"') && one.endsWith('}'))
  return line === undefined ? undefined : JSON.parse(line).addresses
}

async function sinkFile({ directory, prepareSinkFolder }) {
  const folder = path.join(directory, 'sink')
  await mkdir(folder)
  await prepareSinkFolder(folder)
  return path.join(folder, 'token')
}

async function contentOf(file) {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}
