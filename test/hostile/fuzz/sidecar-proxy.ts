import * as fc from 'fast-check'
import { answerWith } from './http-arbitraries.js'
import { ensureDiscreet } from './oracles.js'
import { ensureAnswer, throwBytes } from './raw-client.js'
import { field, OK, type RawAnswer, type RawServer, startRawServer } from './raw-server.js'
import { HOST, type HostileRequest, requestFor } from './request-arbitraries.js'
import { type SidecarScene, startScene } from './sidecar-scene.js'
import { defineTarget, ensure } from './target.js'

interface Case {
  readonly request: HostileRequest
  /** What the upstream answers; `undefined`: well. */
  readonly answer: RawAnswer | undefined
}

/** An answer of the upstream's may end a kept connection at any time, so that a request there fails, and the next does not. */
const MAX_TRIES = 20

export const sidecarProxyTarget = defineTarget<Case>({
  name: 'sidecar-proxy',
  what: 'requests of any bytes at the injecting proxy, and answers of any bytes of its upstream',
  share: 40,
  async open(scratch) {
    const upstream = await startRawServer()
    const scene = await startScene(scratch, upstream.origin)
    const address = scene.sidecar.addresses.proxies[0] as string
    let answer: RawAnswer | undefined
    upstream.answer = ({ target }) => (target === '/fence' || answer === undefined ? OK : answer)
    const fence = async () => {
      let status = 0
      for (let tries = 0; tries < MAX_TRIES && status !== 200; tries++) {
        ;({ status } = await scene.ask(address, '/fence'))
      }
      ensure(status === 200, `a good request is answered well: ${status}`)
    }
    return {
      arbitrary: fc.record({
        request: requestFor(['/v1/things', '/a?b=c', '/', '/smuggled', '/v1/token'], []),
        answer: fc.oneof(
          { weight: 2, arbitrary: fc.constant(undefined) },
          answerWith(fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: 'binary', maxLength: 60 }))),
        ),
      }),
      async check(input) {
        answer = input.answer
        const { bytes, cutAt } = input.request
        const port = Number(address.split(':')[1])
        const received = await throwBytes(port, bytes.replaceAll(HOST, address), cutAt, fence)
        ensureAnswer(received)
        ensureDiscreet(received, 'an answer', 1_000_000)
        judgeForwarded(upstream, scene)
        scene.checkLog()
      },
      async close() {
        await scene.close()
        await upstream.close()
      },
    }
  },
})

/** What is smuggled past the proxy does not carry its token, and is seen by that. */
function judgeForwarded(upstream: RawServer, { token }: SidecarScene): void {
  const { requests, violations } = upstream
  upstream.requests = []
  upstream.violations = []
  ensure(violations.length === 0, `what is forwarded is HTTP: ${violations[0]}`)
  for (const request of requests) {
    const values = field(request, 'authorization')
    ensure(
      values.length === 1 && values[0] === `Bearer ${token}`,
      `each has the token, once: ${JSON.stringify(values)}`,
    )
    ensure(field(request, 'host')[0] === new URL(upstream.origin).host, 'the Host is the upstream’s')
    ensure(/^\/[!-~]*$/.test(request.target), `a target is a path: ${request.target}`)
  }
}
