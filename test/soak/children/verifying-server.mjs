/**
 * The resource server, over HTTP and over gRPC: judges the token of each request by signature, issuer, audience and
 * expiry, without leeway, and at the same moment and by the same rules the tokens that a perfect client would have sent
 * (`x-oracle`). Its faults are switched from outside.
 */
import { createServer } from 'node:http'
import grpc from '@grpc/grpc-js'
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose'
import { generate } from 'selfsigned'
import { echoService } from '../../bench/children/grpc-echo.mjs'
import { serve } from '../support/child.mjs'

const MAX_KNOWN_TOKENS = 1_000

let keys
let issuer
let audience
/** Tokens by their `jti` that are refused although they are in order: their pod was deleted. */
const revoked = new Set()
/** Signatures are checked once; the rest at each request. */
const known = new Map()
let fault = { kind: 'none' }
let elsewhereUrl
/** Requests that reached the server that no token was meant for, and those of them with a token. */
const elsewhere = { requests: 0, withToken: 0 }

serve({
  async listen(params) {
    keys = createLocalJWKSet(params.jwks)
    ;({ issuer, audience } = params)
    elsewhereUrl = await listenHttp(takeElsewhere)
    const url = await listenHttp(takeRequest)
    return { url, ...(await listenGrpc()) }
  },
  /** @param kind none, slow, reset, half-close, refuse-all, redirect */
  setFault(next) {
    fault = next
  },
  revoke({ jti }) {
    revoked.add(jti)
  },
  counts: () => ({ elsewhere }),
})

/**
 * @param atMs another moment than now; the server's faults are no matter then
 * @returns undefined for a good token, or the reason why it is refused
 */
async function reasonAgainst(token, atMs) {
  if (atMs === undefined && fault.kind === 'refuse-all') return 'refuse-all'
  if (!token) return 'no token'
  if (!known.has(token)) {
    if (known.size >= MAX_KNOWN_TOKENS) known.delete(known.keys().next().value)
    known.set(token, await claimsOf(token))
  }
  const { reason, exp, jti } = known.get(token)
  if (reason) return reason
  if (revoked.has(jti)) return 'revoked'
  return (atMs ?? Date.now()) >= exp * 1_000 ? 'expired' : undefined
}

/** All but the expiry. */
async function claimsOf(token) {
  try {
    const { payload } = await jwtVerify(token, keys, { issuer, audience, currentDate: notExpired(token) })
    return payload
  } catch (error) {
    return { reason: error.code ?? error.message }
  }
}

function notExpired(token) {
  const { iat = 0 } = decodeJwt(token)
  return new Date(iat * 1_000 + 1)
}

/** What the client is told: whether its token was good, whether another one would have been, and how old it was. */
async function judge(token, oracle = '', atMs) {
  const tokens = oracle.split(',').filter(Boolean)
  const reasons = await Promise.all(tokens.map((each) => reasonAgainst(each, atMs)))
  const reason = await reasonAgainst(token, atMs)
  return {
    reason,
    // It may have either of two.
    oracleAccepted: tokens.length > 0 && reasons.every((each) => each === undefined),
    oracleRefused: [...reasons.keys()].filter((index) => reasons[index] !== undefined),
    isStale: isStale(token, tokens[0], reasons[0]),
  }
}

/** Whether the file held a newer good token at the time of the request. */
function isStale(token, inFile, reason) {
  if (!token || !inFile || reason || token === inFile) return false
  return (known.get(token)?.iat ?? 0) <= known.get(inFile).iat
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function takeRequest(request, response) {
  request.resume()
  const { authorization, 'x-oracle': oracle } = request.headers
  // A client that had nothing to send asks what the perfect client would have been told then.
  const at = /^\/judge\?at=(\d+)$/.exec(request.url)?.[1]
  if (at) return answer(response, 200, await judge(undefined, oracle, Number(at)))
  if (fault.kind === 'slow') await pause(fault.delayMs)
  if (fault.kind === 'reset') return request.socket.resetAndDestroy()
  if (fault.kind === 'half-close') return request.socket.end()
  if (fault.kind === 'redirect') return response.writeHead(307, { location: `${elsewhereUrl}/` }).end()
  const verdict = await judge(/^Bearer (\S+)$/.exec(authorization ?? '')?.[1], oracle)
  answer(response, verdict.reason ? 401 : 200, verdict)
}

function answer(response, status, body) {
  const challenge = status === 401 ? { 'www-authenticate': 'Bearer error="invalid_token"' } : {}
  response.writeHead(status, { 'content-type': 'application/json', ...challenge }).end(JSON.stringify(body))
}

function takeElsewhere(request, response) {
  request.resume()
  elsewhere.requests++
  if (request.headers.authorization !== undefined) elsewhere.withToken++
  answer(response, 200, { elsewhere: true })
}

function listenHttp(listener) {
  const server = createServer(listener)
  server.keepAliveTimeout = 60_000
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`))
  })
}

async function takeCall({ request, metadata }, callback) {
  if (fault.kind === 'slow') await pause(fault.delayMs)
  if (['reset', 'half-close'].includes(fault.kind)) return callback({ code: grpc.status.UNAVAILABLE })
  const header = metadata.get('authorization')
  const token = header.length === 1 ? /^Bearer (\S+)$/.exec(header[0])?.[1] : undefined
  const verdict = await judge(token, metadata.get('x-oracle')[0])
  if (!verdict.reason)
    return callback(null, Buffer.from(JSON.stringify({ ...verdict, bytes: request.length })))
  const trailer = new grpc.Metadata()
  trailer.set('x-verdict', JSON.stringify(verdict))
  callback({ code: grpc.status.UNAUTHENTICATED, details: verdict.reason, metadata: trailer })
}

async function listenGrpc() {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    ...{ keyType: 'ec', curve: 'P-256', algorithm: 'sha256' },
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  })
  const server = new grpc.Server()
  server.addService(echoService, { echo: takeCall })
  const pair = { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }
  return new Promise((resolve, reject) => {
    const credentials = grpc.ServerCredentials.createSsl(null, [pair])
    server.bindAsync('127.0.0.1:0', credentials, (error, grpcPort) => {
      if (error) reject(error)
      else resolve({ grpcPort, caPem: cert })
    })
  })
}
