import { createServer } from 'node:http'
import { parentPort, workerData } from 'node:worker_threads'
import { createRemoteJWKSet, jwtVerify } from 'jose'

/**
 * A resource server in a thread of its own: checks signature, issuer, audience and expiry of every request without
 * leeway, and asks TokenReview about every n-th. Counts what it saw by client.
 */
const { jwksUrl, issuer, audience, tokenReviewUrl } = workerData
const keys = createRemoteJWKSet(new URL(jwksUrl))
let reviewEvery = workerData.reviewEvery
let requests = 0
let clients = {}

function clientOf(name) {
  clients[name] ??= {
    requests: 0,
    accepted: 0,
    unauthenticated: 0,
    refused: 0,
    reviewed: 0,
    reasons: {},
    tokens: new Set(),
  }
  return clients[name]
}

async function review(token) {
  const response = await fetch(tokenReviewUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token, audiences: [audience] },
    }),
  })
  const { status } = await response.json()
  if (!status?.authenticated) throw Object.assign(new Error('TokenReview'), { code: 'TokenReview refused' })
}

const server = createServer(async (request, response) => {
  const client = clientOf(request.headers['x-client'] ?? 'unknown')
  client.requests++
  requests++
  const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1]
  request.resume()
  try {
    if (!token) {
      client.unauthenticated++
      throw Object.assign(new Error('no token'), { code: 'no token' })
    }
    const { payload } = await jwtVerify(token, keys, { issuer, audience, clockTolerance: 0 })
    if (requests % reviewEvery === 0) {
      await review(token)
      client.reviewed++
    }
    client.tokens.add(payload.jti)
    client.accepted++
    response.end('ok')
  } catch (error) {
    const reason = error.code ?? error.message
    client.reasons[reason] = (client.reasons[reason] ?? 0) + 1
    if (token) client.refused++
    response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end('who are you?')
  }
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () =>
  parentPort.postMessage({ url: `http://127.0.0.1:${server.address().port}` }),
)

parentPort.on('message', (message) => {
  if (message.reviewEvery) reviewEvery = message.reviewEvery
  if (message.reset) clients = {}
  const counts = Object.entries(clients).map(([name, { tokens, ...rest }]) => [
    name,
    { ...rest, tokens: tokens.size },
  ])
  parentPort.postMessage({ id: message.id, clients: Object.fromEntries(counts) })
})
