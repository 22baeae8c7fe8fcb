import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { PublicJwks } from './jose-types.js'

/** `OpenIDConfigPath` and `JWKSPath` of Kubernetes' `pkg/serviceaccount/openidmetadata.go`. */
const DISCOVERY_PATH = '/.well-known/openid-configuration'
const JWKS_PATH = '/openid/v1/jwks'

/** What {@link startDiscoveryServer} takes. */
export interface DiscoveryServerOptions {
  jwks: PublicJwks
  algorithm: string
  /** The issuer that the document names; `undefined`: the server's own URL. */
  issuer: string | undefined
  /** TCP port; 0: any free one. */
  port: number
}

/** A running server. */
export interface DiscoveryServer {
  /** `http://127.0.0.1:PORT`, without a slash at its end. */
  readonly url: string
  readonly jwksUrl: string
  close(): Promise<void>
}

/**
 * Serves the issuer's discovery document and its key set on 127.0.0.1, as an API server does (over plain HTTP). It
 * does not keep the process running.
 */
export async function startDiscoveryServer(options: DiscoveryServerOptions): Promise<DiscoveryServer> {
  const documents = new Map<string, { type: string; body: string }>()
  const server = createServer((request, response) => {
    const document = documents.get(request.url?.split('?')[0] ?? '')
    if (!document) return void response.writeHead(404).end()
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return void response.writeHead(405, { allow: 'GET, HEAD' }).end()
    }
    response.writeHead(200, { 'content-type': document.type, 'cache-control': 'public, max-age=3600' })
    response.end(document.body)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, '127.0.0.1', resolve)
  })
  server.unref()

  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const jwksUrl = url + JWKS_PATH
  const discovery = {
    issuer: options.issuer ?? url,
    jwks_uri: jwksUrl,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [options.algorithm],
  }
  documents.set(DISCOVERY_PATH, { type: 'application/json', body: JSON.stringify(discovery) })
  documents.set(JWKS_PATH, { type: 'application/jwk-set+json', body: JSON.stringify(options.jwks) })
  return {
    url,
    jwksUrl,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
