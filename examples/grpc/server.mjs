// A gRPC service over TLS that asks every caller for a service account token, and says who the caller is.
//
//   ISSUER=https://kubernetes.default.svc JWKS_URL=... AUDIENCE=api CERT_FILE=tls.crt KEY_FILE=tls.key node server.mjs
import { readFile } from 'node:fs/promises'
import grpc from '@grpc/grpc-js'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { whoAmIService } from './whoami-service.mjs'

const {
  ISSUER: issuer,
  JWKS_URL,
  AUDIENCE: audience,
  CERT_FILE,
  KEY_FILE,
  ADDRESS = '127.0.0.1:0',
} = process.env
const keys = createRemoteJWKSet(new URL(JWKS_URL))

const server = new grpc.Server()
server.addService(whoAmIService, {
  async whoAmI({ metadata }, callback) {
    try {
      const [authorization = ''] = metadata.get('authorization')
      const token = authorization.replace(/^Bearer /, '')
      const { payload } = await jwtVerify(token, keys, { issuer, audience })
      callback(null, { subject: payload.sub, tokenId: payload.jti })
    } catch {
      callback({ code: grpc.status.UNAUTHENTICATED, details: 'a valid token is needed' })
    }
  },
})

const [cert_chain, private_key] = await Promise.all([readFile(CERT_FILE), readFile(KEY_FILE)])
const credentials = grpc.ServerCredentials.createSsl(null, [{ cert_chain, private_key }])
server.bindAsync(ADDRESS, credentials, (error, port) => {
  if (error) throw error
  console.log(`listening on ${port}`)
})
process.once('SIGTERM', () => server.forceShutdown())
