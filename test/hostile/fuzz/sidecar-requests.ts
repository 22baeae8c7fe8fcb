import * as fc from 'fast-check'
import { ensureDiscreet } from './oracles.js'
import { ensureAnswer, throwBytes } from './raw-client.js'
import { HOST, type HostileRequest, requestFor } from './request-arbitraries.js'
import { startScene } from './sidecar-scene.js'
import { defineTarget, ensure } from './target.js'

interface Case {
  readonly listener: 'api' | 'health' | 'status'
  readonly request: HostileRequest
}

const PATHS = [
  '/v1/token',
  '/v1/token/api',
  '/v1/token/other',
  '/v1/vault/token',
  '/',
  '/metrics',
  '/status',
  '/healthz',
]
const FENCES = { api: '/v1/token', health: '/healthz', status: '/status' }
/** What a browser, a proxy or somebody else's client leaves: with one of these nobody gets a token. */
const FORBIDDEN = /^(?:origin|sec-fetch-site|x-forwarded-for|forwarded|via|x-real-ip|transfer-encoding)$/i

/** Whether the answer may hold a token, by an own reading of the parts; of bytes that were changed, by what they hold. */
function mayHoldToken({ method, target, fields, isPlain, bytes }: HostileRequest): boolean {
  const asks = /^projected-token[ \t]*:[ \t]*true[ \t]*\r?$/im.test(bytes)
  if (!isPlain) return asks
  const values = (name: string) =>
    fields.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value)
  const [host = '', ...hosts] = values('host')
  return (
    asks &&
    method === 'GET' &&
    /^\/v1\/token/.test(target) &&
    hosts.length === 0 &&
    [HOST, `localhost:${HOST.split(':')[1]}`].includes(host.trim()) &&
    !fields.some(([name]) => FORBIDDEN.test(name))
  )
}

export const sidecarRequestsTarget = defineTarget<Case>({
  name: 'sidecar-requests',
  what: 'requests of any bytes at the token endpoint, the probes and the status page',
  share: 50,
  async open(scratch) {
    const scene = await startScene(scratch)
    const { addresses } = scene.sidecar
    return {
      arbitrary: fc.record({
        listener: fc.oneof(
          { weight: 5, arbitrary: fc.constant('api' as const) },
          fc.constantFrom('health', 'status'),
        ),
        request: requestFor(PATHS, [['Projected-Token', 'true']]),
      }),
      async check({ listener, request }) {
        const address = addresses[listener] as string
        const fence = async () => {
          const { status } = await scene.ask(address, FENCES[listener])
          ensure(status === 200, `a good request is answered well: ${status}`)
        }
        const port = Number(address.split(':')[1])
        const received = await throwBytes(port, request.bytes.replaceAll(HOST, address), request.cutAt, fence)
        ensureAnswer(received)
        ensure(!received.startsWith('HTTP/1.1 500'), 'no request is an error of the server')
        const mayHold = listener === 'api' && mayHoldToken(request)
        if (!mayHold) ensureDiscreet(received, 'an answer', 1_000_000)
        scene.checkLog()
      },
      close: () => scene.close(),
    }
  },
})
