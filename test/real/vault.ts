/**
 * Builds and drives HashiCorp Vault, with its kubernetes auth plugin: a real server whose storage, faults and audit log
 * are at a test's hand.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { buildGo } from './go-binary.js'
import { countRequests, readAuditLog, type VaultAuditEntry, type VaultCount } from './vault/audit-log.js'
import { callVault, type VaultAnswer } from './vault/call.js'
import { writeCertificate } from './vault/certificate.js'
import { createConfig } from './vault/config.js'
import { freePorts } from './vault/free-ports.js'
import { defaultRoles, readerPolicy, type VaultRole } from './vault/roles.js'
import { createVaultProcess, type VaultProcess } from './vault/vault-process.js'

export type { VaultAuditEntry, VaultCount } from './vault/audit-log.js'
export type { VaultAnswer } from './vault/call.js'
export type { VaultRole } from './vault/roles.js'

const rootToken = 'root'
/** A minute, on a machine that may be busy with a build. */
const defaultReadyTimeoutMs = 60_000
const readyIntervalMs = 20

export interface VaultOptions {
  /** 'inmem' forgets all when the process ends, and starts faster; 'raft' keeps it on disk. @default 'inmem' */
  storage?: 'inmem' | 'raft'
  /** Serves https, with a certificate for localhost and the loopback addresses; `caPem` is its CA. @default false */
  tls?: boolean
  /** DNS names of its certificate, beside localhost. */
  names?: readonly string[]
  /** On 127.0.0.1. @default a free one */
  port?: number
  /** Milliseconds until the server must be ready, at the start and at each restart. @default 60_000 */
  readyTimeoutMs?: number
}

export interface KubernetesAuthOptions {
  /** @default 'kubernetes' */
  mount?: string
  /** What answers TokenReviews: the url of startKube(). */
  kubernetesHost: string
  /** For an https host. */
  kubernetesCaPem?: string
  /** With which Vault asks for TokenReviews. @default the client's own */
  reviewerToken?: string
  roles?: Record<string, VaultRole>
}

export interface JwtAuthOptions {
  /** @default 'jwt' */
  mount?: string
  jwksUrl?: string
  /** For an https jwksUrl. */
  jwksCaPem?: string
  /** PEM, instead of jwksUrl. */
  publicKeys?: string[]
  boundIssuer?: string
  roles?: Record<string, VaultRole>
}

export interface Vault {
  readonly address: string
  /** The same after every restart. */
  readonly rootToken: string
  /** Of the present process; another one after restart(). */
  readonly pid: number
  readonly caPem?: string
  /** The program, which is also the peer for a CLI: `vault agent`, `vault proxy`. */
  readonly binary: string

  /**
   * Any request, with the root token unless `headers` has another X-Vault-Token, or undefined for none. The path
   * follows /v1/. Rejects only if there is no answer.
   */
  request(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string | undefined>,
  ): Promise<VaultAnswer>
  login(mount: string, role: string, jwt: string): Promise<VaultAnswer>

  enableKubernetesAuth(options: KubernetesAuthOptions): Promise<void>
  enableJwtAuth(options: JwtAuthOptions): Promise<void>
  /**
   * For startKube()'s default volume, unless told otherwise: service account build-robot in namespace default,
   * audience vault.
   */
  writeRole(mount: string, name: string, role?: VaultRole): Promise<void>
  deleteRole(mount: string, name: string): Promise<void>
  /** Read it at `secret/data/<path>` (KV version 2). */
  putSecret(path: string, data: Record<string, unknown>): Promise<void>
  writePolicy(name: string, policy: string): Promise<void>

  /** Every request so far that Vault took up, over all restarts. */
  audit(): Promise<VaultAuditEntry[]>
  /** Of one path, such as auth/token/renew-self. */
  requestCount(path: string): Promise<VaultCount>
  loginCount(mount: string): Promise<VaultCount>
  /** The end of the server's own log: it alone tells why a login was refused without a reason. */
  log(): string

  seal(): Promise<void>
  /** Resolves once it serves requests. */
  unseal(): Promise<void>
  /** SIGSTOP: connections are accepted, and nothing is answered until cont(). */
  stop(): Promise<void>
  cont(): void
  kill(): Promise<void>
  /**
   * Kills the process if it still runs and starts another one on the same port. With its storage (raft only) it is as
   * before, and stays sealed if `sealed`; without, all is lost, mounts and tokens too.
   */
  restart(options: { keepStorage: boolean; sealed?: boolean }): Promise<void>
  close(): Promise<void>
}

let building: Promise<string> | undefined

/** Builds Vault and the plugin unless the cache has them. Resolves to their directory. */
export function buildVault(): Promise<string> {
  const build = ['build', '-buildvcs=false', '-trimpath', '-ldflags=-s -w']
  const plugin = 'github.com/hashicorp/vault-plugin-auth-kubernetes/cmd/vault-plugin-auth-kubernetes'
  building ??= buildGo({
    name: 'vault',
    sourceDirectory: fileURLToPath(new URL('./vault', import.meta.url)),
    sources: "Vault's packages",
    env: { CGO_ENABLED: '0' },
    commands: (target) => [
      [...build, '-tags=minimal', '-o', `${target}/vault`, 'github.com/hashicorp/vault'],
      [...build, '-o', `${target}/plugins/kubernetes`, plugin],
    ],
  }).catch((error: unknown) => {
    building = undefined
    throw error
  })
  return building
}

/**
 * Builds Vault if need be, and starts it: initialised, unsealed, with an audit log, secrets in KV version 2 at secret/,
 * and no auth method but tokens. It ends with close(), and by itself when this process ends.
 */
export async function startVault(options: VaultOptions = {}): Promise<Vault> {
  const built = await buildVault()
  const directory = await mkdtemp(join(tmpdir(), 'vault-'))
  const server = createVaultProcess({
    binary: join(built, 'vault'),
    configPath: join(directory, 'config.json'),
    directory,
    readyTimeoutMs: options.readyTimeoutMs ?? defaultReadyTimeoutMs,
  })
  try {
    return await startOn(server, join(built, 'plugins'), options)
  } catch (error) {
    await server.close()
    throw error
  }
}

async function startOn(server: VaultProcess, pluginDirectory: string, options: VaultOptions): Promise<Vault> {
  const { storage = 'inmem', tls = false, readyTimeoutMs = defaultReadyTimeoutMs } = options
  const { binary, configPath, directory } = server
  const storageDirectory = join(directory, 'storage')
  const auditPath = join(directory, 'audit.log')
  const certificate = tls ? await writeCertificate(directory, options.names) : undefined
  const [port, clusterPort] = await freePorts(options.port)
  const address = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`
  const parts = { address, storage, storageDirectory, port, clusterPort, certificate, pluginDirectory }
  await writeFile(configPath, JSON.stringify(createConfig(parts)))

  const request: Vault['request'] = async (method, path, body, headers = {}) => {
    const all = {
      ...{ 'x-vault-request': 'true', 'x-vault-token': rootToken },
      ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    }
    try {
      return await callVault(new URL(`/v1/${path}`, address), method, body, certificate?.caPem, all)
    } catch (error) {
      if (server.running) throw error
      throw new Error(`${method} ${path}: vault does not run`, { cause: error })
    }
  }
  const must = async (method: string, path: string, body?: unknown, token = rootToken) => {
    const answer = await request(method, path, body, { 'x-vault-token': token })
    if (answer.status < 400) return answer.body
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  }
  const untilOk = async (path: string) => {
    const deadline = performance.now() + readyTimeoutMs
    for (;;) {
      const { status, body } = await request('GET', path)
      if (status === 200) return
      if (performance.now() > deadline) {
        throw new Error(`GET ${path} still answers ${status} ${JSON.stringify(body)}`)
      }
      await delay(readyIntervalMs)
    }
  }

  let unsealKey = ''
  const unseal = async () => {
    await must('POST', 'sys/unseal', { key: unsealKey })
    await untilOk('sys/health')
  }
  const initialise = async () => {
    const keys = await must('POST', 'sys/init', { secret_shares: 1, secret_threshold: 1 })
    unsealKey = keys.keys_base64[0]
    await unseal()
    const token = { id: rootToken, policies: ['root'], no_parent: true }
    await must('POST', 'auth/token/create', token, keys.root_token)
    await must('POST', 'sys/audit/file', { type: 'file', options: { file_path: auditPath } })
    await must('POST', 'sys/plugins/catalog/auth/kubernetes', {
      command: 'kubernetes',
      sha256: await sha256(join(pluginDirectory, 'kubernetes')),
    })
    await must('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
    await writePolicy(readerPolicy, 'path "secret/data/*" { capabilities = ["read"] }')
    // A new mount of version 2 refuses everything until it has upgraded itself.
    await untilOk('secret/config')
  }

  const earlierRequests: VaultAuditEntry[] = []
  const audit = async () => [...earlierRequests, ...(await readAuditLog(auditPath))]
  const start = async (keepStorage: boolean) => {
    // A log for each process: a killed one may have left half a line.
    earlierRequests.push(...(await readAuditLog(auditPath)))
    await rm(auditPath, { force: true })
    if (!keepStorage) {
      await rm(storageDirectory, { recursive: true, force: true })
      await mkdir(storageDirectory)
    }
    await server.start()
  }

  const methods = new Map<string, keyof typeof defaultRoles>()
  const writePolicy: Vault['writePolicy'] = (name, policy) =>
    must('POST', `sys/policies/acl/${name}`, { policy })
  const writeRole: Vault['writeRole'] = async (mount, name, role) => {
    const method = methods.get(mount)
    if (!method) throw new TypeError(`no auth method was enabled at ${mount}`)
    await must('POST', `auth/${mount}/role/${name}`, { ...defaultRoles[method], ...role })
  }
  const enable = async (
    method: keyof typeof defaultRoles,
    mount: string,
    config: Record<string, unknown>,
    roles: Record<string, VaultRole> = {},
  ) => {
    await must('POST', `sys/auth/${mount}`, { type: method })
    await must('POST', `auth/${mount}/config`, config)
    methods.set(mount, method)
    for (const [name, role] of Object.entries(roles)) await writeRole(mount, name, role)
  }
  const requestCount = async (path: string) => countRequests(await audit(), path)

  await start(false)
  await initialise()
  return {
    ...{ address, rootToken, binary },
    ...(certificate && { caPem: certificate.caPem }),
    get pid() {
      return server.pid
    },
    request,
    login: (mount, role, jwt) =>
      request('POST', `auth/${mount}/login`, { role, jwt }, { 'x-vault-token': undefined }),
    enableKubernetesAuth: ({
      mount = 'kubernetes',
      kubernetesHost,
      kubernetesCaPem,
      reviewerToken,
      roles,
    }) => {
      const host = { kubernetes_host: kubernetesHost, kubernetes_ca_cert: kubernetesCaPem }
      const config = { ...host, token_reviewer_jwt: reviewerToken }
      return enable('kubernetes', mount, { ...config, disable_local_ca_jwt: true }, roles)
    },
    enableJwtAuth: ({ mount = 'jwt', jwksUrl, jwksCaPem, publicKeys, boundIssuer, roles }) => {
      const keys = { jwks_url: jwksUrl, jwks_ca_pem: jwksCaPem, jwt_validation_pubkeys: publicKeys }
      return enable('jwt', mount, { ...keys, bound_issuer: boundIssuer }, roles)
    },
    ...{ writeRole, writePolicy },
    deleteRole: (mount, name) => must('DELETE', `auth/${mount}/role/${name}`),
    putSecret: (path, data) => must('POST', `secret/data/${path}`, { data }),
    ...{ audit, requestCount },
    loginCount: (mount) => requestCount(`auth/${mount}/login`),
    log: () => server.log(),
    seal: () => must('POST', 'sys/seal'),
    unseal,
    stop: () => server.stop(),
    cont: () => server.cont(),
    kill: () => server.kill(),
    async restart({ keepStorage, sealed = false }) {
      if (keepStorage && storage === 'inmem') throw new TypeError("only storage 'raft' can be kept")
      await server.kill()
      await start(keepStorage)
      if (!keepStorage) await initialise()
      else if (!sealed) await unseal()
    },
    close: () => server.close(),
  }
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}
