/** Makes an authenticated gRPC call to a server on this machine, and one that must not leave in plaintext. */
import assert from 'node:assert/strict'
import grpc from '@grpc/grpc-js'
import { load } from './load.mjs'

const { createToken } = await load('@projected-token/core')
const { createCallCredentials, createChannelCredentials, createTokenInterceptor } =
  await load('@projected-token/grpc')

const provider = {
  getToken: async () => createToken({ token: 'secret', loadedAtMs: Date.now() }),
  invalidate() {},
}
const same = (bytes) => bytes
const definition = {
  echo: {
    path: '/test.Echo/Echo',
    requestStream: false,
    responseStream: false,
    ...{
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    },
  },
}

const server = new grpc.Server()
server.addService(definition, {
  echo: ({ metadata }, callback) => callback(null, Buffer.from(metadata.get('authorization').join())),
})
const port = await new Promise((resolve, reject) => {
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) => {
    if (error) reject(error)
    else resolve(bound)
  })
})

const insecure = grpc.credentials.createInsecure()
const Echo = grpc.makeGenericClientConstructor(definition, 'test.Echo')
const client = new Echo(`127.0.0.1:${port}`, insecure, { interceptors: [createTokenInterceptor()] })
const call = (options) =>
  new Promise((resolve, reject) => {
    const credentials = createCallCredentials(provider, options)
    client.echo(Buffer.alloc(0), { credentials }, (error, answer) => {
      if (error) reject(error)
      else resolve(answer.toString())
    })
  })

assert.equal(await call({ requireTransportSecurity: false }), 'Bearer secret')
await assert.rejects(call(), { code: grpc.status.UNAUTHENTICATED, details: /ERR_GRPC_INSECURE_CHANNEL/ })
assert.throws(() => createChannelCredentials(provider, insecure), { code: 'ERR_GRPC_INSECURE_CHANNEL' })
createChannelCredentials(provider, grpc.credentials.createSsl())

client.close()
server.forceShutdown()
