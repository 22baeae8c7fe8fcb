import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {
  type ChannelCredentials,
  type ChannelOptions,
  type Client,
  type ClientDuplexStream,
  type ClientUnaryCall,
  credentials,
  type Interceptor,
  Metadata,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerOptions,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import { onTestFinished } from 'vitest'
import { type Certificate, createCertificate } from '../../../../test/support/certificates.js'

const identity = (value: Buffer) => value
const method = (name: string, streams: boolean) => ({
  path: `/test.Echo/${name}`,
  requestStream: streams,
  responseStream: streams,
  requestSerialize: identity,
  requestDeserialize: identity,
  responseSerialize: identity,
  responseDeserialize: identity,
})
const definition = { unary: method('Unary', false), stream: method('Stream', true) }
const EchoClient = makeGenericClientConstructor(definition, 'test.Echo')

type Verdict = (authorization: string[]) => boolean | Promise<boolean>
type Options = Record<string, unknown>

export interface EchoServer {
  target: string
  /** What a client needs to trust it; insecure for a plaintext server. */
  channelCredentials: ChannelCredentials
  /** The values of `authorization` of each call, in the order of arrival. */
  seen: string[][]
  /** Which calls are let through: the others get `refusal`. */
  accepts: Verdict
  refusal: status
  streams: ServerDuplexStream<Buffer, Buffer>[]
}

/** What a generic client has beside the type of its class. */
interface Methods {
  unary(
    request: Buffer,
    metadata: Metadata,
    options: Options,
    callback: (error: ServiceError | null) => void,
  ): ClientUnaryCall
  stream(metadata: Metadata, options: Options): ClientDuplexStream<Buffer, Buffer>
}

let certificate: Promise<Certificate> | undefined

/** A real server that records every call; over TLS unless asked otherwise. */
export async function startServer(
  transport: 'tls' | 'plaintext' | 'unix' = 'tls',
  options: ServerOptions = {},
): Promise<EchoServer> {
  const state: EchoServer = {
    target: '',
    channelCredentials: credentials.createInsecure(),
    seen: [],
    accepts: () => true,
    refusal: status.UNAUTHENTICATED,
    streams: [],
  }
  const admit = async (metadata: Metadata) => {
    const values = metadata.get('authorization').map(String)
    state.seen.push(values)
    return state.accepts(values)
  }
  const refusal = () => ({ code: state.refusal, details: 'refused by the server' })
  const server = new Server(options)
  server.addService(definition, {
    async unary(call: { metadata: Metadata; request: Buffer }, callback: (...args: unknown[]) => void) {
      if (await admit(call.metadata)) callback(null, call.request)
      else callback(refusal())
    },
    async stream(call: ServerDuplexStream<Buffer, Buffer>) {
      call.on('error', () => {})
      if (!(await admit(call.metadata))) return void call.emit('error', refusal())
      state.streams.push(call)
      call.on('data', (data) => call.write(data))
      call.on('end', () => call.end())
    },
  } as never)
  onTestFinished(() => server.forceShutdown())
  let serverCredentials = ServerCredentials.createInsecure()
  if (transport === 'tls') {
    certificate ??= createCertificate()
    const { caPem, certPem, keyPem } = await certificate
    serverCredentials = ServerCredentials.createSsl(null, [
      { private_key: Buffer.from(keyPem), cert_chain: Buffer.from(certPem) },
    ])
    state.channelCredentials = credentials.createSsl(Buffer.from(caPem))
  }
  const folder = await mkdtemp(path.join(os.tmpdir(), 'projected-token-grpc-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const address = transport === 'unix' ? `unix:${path.join(folder, 'socket')}` : '127.0.0.1:0'
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, serverCredentials, (error, bound) => (error ? reject(error) : resolve(bound)))
  })
  state.target = transport === 'unix' ? address : `127.0.0.1:${port}`
  return state
}

export interface Outcome {
  code: status
  details: string
}

export interface EchoClient {
  client: Client
  /** One unary call; resolves with how it ended. */
  call(options?: Options, metadata?: Metadata): Promise<Outcome>
  /** As `call`, with the call itself. */
  begin(options?: Options): { call: ClientUnaryCall; outcome: Promise<Outcome> }
  /** Resolves when the channel is connected. */
  ready(): Promise<void>
  stream(options?: Options): ClientDuplexStream<Buffer, Buffer>
}

export function createClient(
  target: string,
  channelCredentials: ChannelCredentials,
  interceptors: Interceptor[] = [],
  options: ChannelOptions = {},
): EchoClient {
  const client = new EchoClient(target, channelCredentials, {
    interceptors,
    // An address is no server name (RFC 6066).
    'grpc.ssl_target_name_override': 'localhost',
    ...options,
  }) as unknown as Client & Methods
  onTestFinished(() => client.close())
  const begin = (options: Options = {}, metadata = new Metadata()) => {
    let call!: ClientUnaryCall
    const outcome = new Promise<Outcome>((resolve) => {
      call = client.unary(Buffer.from('x'), metadata, options, (error: ServiceError | null) => {
        resolve(error ? { code: error.code, details: error.details } : { code: status.OK, details: '' })
      })
    })
    return { call, outcome }
  }
  return {
    client,
    begin,
    ready: () =>
      new Promise((resolve, reject) => {
        client.waitForReady(Date.now() + 20_000, (error?: Error) => (error ? reject(error) : resolve()))
      }),
    call: (options, metadata) => begin(options, metadata).outcome,
    stream: (options = {}) => client.stream(new Metadata(), options),
  }
}

/** Metadata with these `authorization` values. */
export function authorization(...values: string[]): Metadata {
  const metadata = new Metadata()
  for (const value of values) metadata.add('authorization', value)
  return metadata
}

/** Call credentials of another kind than ours. */
export const foreign = () =>
  credentials.createFromMetadataGenerator((_info, callback) => {
    const metadata = new Metadata()
    metadata.set('x-foreign', 'yes')
    callback(null, metadata)
  })
