/** What the programs of READMEs need around them: a kubelet, an API, a Vault and a gRPC service, all on loopback. */
import { once } from 'node:events'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import * as grpc from '@grpc/grpc-js'
import { type FakeKubelet, startFakeKubelet } from '@projected-token/testing'
import { createCertificate } from '../../support/certificates.js'
import { root } from './documents.js'

/** A secret of Vault's, by which a program shows that it has read it. */
export const SECRET = 'hunter2'

export interface World {
  readonly kubelet: FakeKubelet
  /** A folder for programs and files, where the workspace's packages are found. */
  readonly folder: string
  /** Of the API, and of Vault. */
  readonly origin: string
  readonly grpcTarget: string
  readonly env: NodeJS.ProcessEnv
  /** What was asked for with a good token, as `GET /v1/things` or `/things.Things/Get`; and what was not. */
  readonly accepted: string[]
  readonly refused: string[]
  close(): Promise<void>
}

export async function startWorld(): Promise<World> {
  const kubelet = await startFakeKubelet({ audience: ['vault', 'api'] })
  const folder = await startFolder()
  const { caPem, certPem, keyPem } = await createCertificate()
  const caFile = path.join(folder.path, 'ca.crt')
  await writeFile(caFile, caPem)

  const accepted: string[] = []
  const refused: string[] = []
  const judge = async (what: string, authorization: string) => {
    const isGood = await kubelet.verify(authorization.replace(/^Bearer /, '')).then(
      () => true,
      () => false,
    )
    ;(isGood ? accepted : refused).push(what)
    return isGood
  }
  const web = await startWeb(judge)
  const things = await startThings(judge, certPem, keyPem)
  return {
    kubelet,
    folder: folder.path,
    origin: web.origin,
    grpcTarget: `localhost:${things.port}`,
    env: {
      ...withoutOwnVariables(),
      VAULT_ADDR: web.origin,
      GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: caFile,
    },
    accepted,
    refused,
    async close() {
      things.close()
      await web.close()
      await kubelet.close()
      await folder.remove()
    },
  }
}

/** A folder outside the workspace in which the workspace's packages are found. */
export async function startFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'projected-token-docs-'))
  await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'), 'dir')
  return { path: folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

type Judge = (what: string, authorization: string) => Promise<boolean>

/** An API that echoes what it is sent, and as much of Vault as a login and a secret need. */
async function startWeb(judge: Judge): Promise<{ origin: string; close(): Promise<void> }> {
  const vaultToken = 'hvs.documentation'
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { method, url, headers } = request
    const body = await text(request)
    const json = (status: number, value: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    if (url === '/v1/auth/kubernetes/login') {
      const { jwt } = JSON.parse(body) as { jwt: string }
      if (!(await judge(`${method} ${url}`, jwt))) return json(403, { errors: ['permission denied'] })
      const auth = { client_token: vaultToken, lease_duration: 3_600, renewable: true, token_type: 'service' }
      return json(200, { auth: { ...auth, policies: [], token_policies: [], num_uses: 0 } })
    }
    if (url === '/v1/secret/data/app') {
      if (headers['x-vault-token'] !== vaultToken) return json(403, { errors: ['permission denied'] })
      return json(200, { data: { data: { password: SECRET } } })
    }
    const isGood = await judge(`${method} ${url}`, headers.authorization ?? '')
    return json(isGood ? 200 : 401, { body })
  }
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server.close(), 'close')
      server.closeAllConnections()
      await closed
    },
  }
}

/** A service with one call and one stream, whose messages are bytes. */
async function startThings(
  judge: Judge,
  certPem: string,
  keyPem: string,
): Promise<{ port: number; close(): void }> {
  const isGood = (what: string, metadata: grpc.Metadata) =>
    judge(what, String(metadata.get('authorization')[0]))
  const refusal = { code: grpc.status.UNAUTHENTICATED, details: 'a valid token is needed' }
  const get: grpc.handleUnaryCall<Buffer, Buffer> = (call, callback) => {
    void isGood(call.getPath(), call.metadata).then((good) => {
      if (good) callback(null, Buffer.from('thing'))
      else callback(refusal)
    })
  }
  const watch: grpc.handleBidiStreamingCall<Buffer, Buffer> = (call) => {
    void isGood(call.getPath(), call.metadata).then((good) => {
      if (!good) return call.emit('error', refusal)
      call.write(Buffer.from('thing'))
      call.end()
    })
  }
  const server = new grpc.Server()
  server.addService(THINGS, { get, watch })
  const [cert_chain, private_key] = [Buffer.from(certPem), Buffer.from(keyPem)]
  const credentials = grpc.ServerCredentials.createSsl(null, [{ cert_chain, private_key }])
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)))
  })
  return { port, close: () => server.forceShutdown() }
}

const asIs = (bytes: Buffer) => bytes
const bytes = {
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
}
const THINGS: grpc.ServiceDefinition = {
  get: { path: '/things.Things/Get', requestStream: false, responseStream: false, ...bytes },
  watch: { path: '/things.Things/Watch', requestStream: true, responseStream: true, ...bytes },
}

/** The environment without what a client here would follow. */
function withoutOwnVariables(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env)
  return Object.fromEntries(
    entries.filter(([name]) => !/^(PROJECTED_TOKEN_|VAULT_|BAO_|GRPC_|NODE_|VITEST|.*_proxy$)/i.test(name)),
  )
}
