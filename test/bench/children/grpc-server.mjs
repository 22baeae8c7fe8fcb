/** A gRPC server over TLS that answers each call with its own request. */
import grpc from '@grpc/grpc-js'
import { generate } from 'selfsigned'
import { echoService } from './grpc-echo.mjs'
import { serve } from './serve.mjs'

serve({
  /** @returns the port, and the certificate to trust */
  async listen() {
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
      ...{ keyType: 'ec', curve: 'P-256', algorithm: 'sha256' },
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
    })
    const server = new grpc.Server()
    server.addService(echoService, {
      echo({ request, metadata }, callback) {
        // A call without its token is a failed measurement.
        const tokens = metadata.get('authorization').length
        if (tokens === Number(request.toString())) callback(null, request)
        else callback({ code: grpc.status.UNAUTHENTICATED, details: `${tokens} tokens` })
      },
    })
    const pair = { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }
    const credentials = grpc.ServerCredentials.createSsl(null, [pair])
    return new Promise((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', credentials, (error, port) => {
        if (error) reject(error)
        else resolve({ port, caPem: cert })
      })
    })
  },
})
