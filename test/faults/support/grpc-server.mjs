/** A gRPC server over TLS that verifies the token of every call, behind a front. */
import grpc from '@grpc/grpc-js'
import { generate } from 'selfsigned'
import { startFront } from './front.mjs'
import { whoAmI } from './grpc-service.mjs'
import { judgeToken } from './judge-token.mjs'

export async function startGrpcServer(kubelet) {
  let refuses = false
  const seen = { requests: 0, withoutToken: 0 }
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    ...{ keyType: 'ec', curve: 'P-256', algorithm: 'sha256' },
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  })
  const server = new grpc.Server()
  server.addService(whoAmI, {
    async ask({ metadata }, callback) {
      seen.requests++
      const [header = ''] = metadata.get('authorization')
      const token = /^Bearer (\S+)$/.exec(String(header))?.[1]
      if (token === undefined) seen.withoutToken++
      const isRefused = typeof refuses === 'function' ? refuses(token) : refuses
      const verdict = isRefused ? { reason: 'refused' } : await judgeToken(kubelet, token)
      if (verdict.id) callback(null, Buffer.from(JSON.stringify(verdict)))
      else callback({ code: grpc.status.UNAUTHENTICATED, details: verdict.reason })
    },
  })
  const pair = { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }
  const credentials = grpc.ServerCredentials.createSsl(null, [pair])
  const port = await new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)))
  })
  const front = await startFront(port)
  return {
    kind: 'verifies the token',
    url: `127.0.0.1:${front.port}`,
    caPem: cert,
    front,
    seen,
    refuse(next) {
      refuses = next
    },
    async close() {
      await front.close()
      server.forceShutdown()
    },
  }
}
