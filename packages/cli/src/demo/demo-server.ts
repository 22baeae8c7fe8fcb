import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'

/** What the server made of one client's requests. */
export interface Tally {
  accepted: number
  /** Answered with 401; those without a token are among them. */
  refused: number
  unauthenticated: number
  /** Why the last one was refused: jose's code. */
  lastRefusal: string | undefined
}

/** What the server demands of a token. */
export interface DemoServerOptions {
  jwksUrl: string
  issuer: string
  audience: string
}

/** A running server. The first part of a request's path names the client. */
export interface DemoServer {
  readonly origin: string
  tally(client: string): Readonly<Tally>
  close(): Promise<void>
}

/**
 * Starts an HTTP server on 127.0.0.1 that verifies the token of each request anew: signature, by the keys that the
 * issuer serves, issuer, audience, and expiry without any leeway.
 */
export async function startDemoServer(options: DemoServerOptions): Promise<DemoServer> {
  const keys = createRemoteJWKSet(new URL(options.jwksUrl))
  const tallies = new Map<string, Tally>()
  const tallyOf = (client: string) => {
    const tally = tallies.get(client) ?? {
      accepted: 0,
      refused: 0,
      unauthenticated: 0,
      lastRefusal: undefined,
    }
    tallies.set(client, tally)
    return tally
  }
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const tally = tallyOf(request.url?.split('/')[1] ?? '')
    const [scheme, token] = request.headers.authorization?.split(' ') ?? []
    try {
      if (scheme !== 'Bearer' || token === undefined) {
        tally.unauthenticated++
        throw new errors.JWTInvalid('no token')
      }
      await jwtVerify(token, keys, { issuer: options.issuer, audience: options.audience, clockTolerance: 0 })
      tally.accepted++
      response.writeHead(200, { 'content-type': 'text/plain' }).end('hello\n')
    } catch (error) {
      tally.refused++
      tally.lastRefusal = error instanceof errors.JOSEError ? error.code : 'ERR_UNKNOWN'
      response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end()
    }
  }

  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tally: tallyOf,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
