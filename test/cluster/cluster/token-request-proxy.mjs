/**
 * Stands between the kubelet and the API server, and makes tokens short-lived: an API server grants 600 s at least.
 * Everything but the answers to TokenRequests passes untouched.
 */
import { once } from 'node:events'
import https from 'node:https'
import { text } from 'node:stream/consumers'
import { shortenTokenRequest } from './shorten-token-request.mjs'

const TOKEN_REQUEST = /^\/api\/v1\/namespaces\/[^/]+\/serviceaccounts\/[^/]+\/token$/
const OUTAGE = { kind: 'Status', apiVersion: 'v1', status: 'Failure', message: 'outage', code: 500 }

/**
 * @param lifeSecondsOf takes the name of a pod; undefined: as long as the API server says
 * @returns { url, answered, setOutage(on), close() }; `answered` counts the tokens of each pod
 */
export async function startTokenRequestProxy({ apiUrl, port, credentials, lifeSecondsOf }) {
  const { caPem, certPem, keyPem, signingKeyPem } = credentials
  const agent = new https.Agent({ keepAlive: true, ca: caPem })
  const answered = new Map()
  let outage = false

  const server = https.createServer({ cert: certPem, key: keyPem }, (incoming, outgoing) => {
    const isTokenRequest = incoming.method === 'POST' && TOKEN_REQUEST.test(incoming.url)
    if (isTokenRequest && outage) {
      incoming.resume()
      return outgoing.writeHead(500, { 'content-type': 'application/json' }).end(JSON.stringify(OUTAGE))
    }
    const headers = { ...incoming.headers }
    if (isTokenRequest) delete headers['accept-encoding']
    const options = { method: incoming.method, headers, agent }
    const forwarded = https.request(apiUrl + incoming.url, options, (answer) => {
      if (isTokenRequest && answer.statusCode === 201) {
        shorten(answer, outgoing).catch((error) => outgoing.destroy(error))
      } else {
        outgoing.writeHead(answer.statusCode, answer.headers)
        answer.pipe(outgoing)
        answer.on('error', () => outgoing.destroy())
      }
    })
    forwarded.on('error', () => outgoing.destroy())
    outgoing.on('close', () => forwarded.destroy())
    incoming.pipe(forwarded)
  })

  async function shorten(answer, outgoing) {
    const request = JSON.parse(await text(answer))
    const pod = request.spec.boundObjectRef?.name
    answered.set(pod, (answered.get(pod) ?? 0) + 1)
    const lifeSeconds = lifeSecondsOf(pod)
    const body = JSON.stringify(
      lifeSeconds === undefined ? request : await shortenTokenRequest(request, lifeSeconds, signingKeyPem),
    )
    const headers = { ...answer.headers, 'content-length': Buffer.byteLength(body) }
    delete headers['transfer-encoding']
    outgoing.writeHead(201, headers).end(body)
  }

  await once(server.listen(port, '127.0.0.1'), 'listening')
  return {
    url: `https://127.0.0.1:${server.address().port}`,
    answered,
    setOutage(on) {
      outage = on
    },
    async close() {
      server.closeAllConnections()
      agent.destroy()
      await once(server.close(), 'close')
    },
  }
}
