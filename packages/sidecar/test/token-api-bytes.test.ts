import { describe, expect, it } from 'vitest'
import { tokenFile, tokenOf } from './support/files.js'
import { sendBytes } from './support/requests.js'
import { startFromYaml } from './support/running-sidecar.js'

const token = tokenOf('secret')

async function start() {
  const sidecar = await startFromYaml(
    `tokens: [{ name: app, path: '${await tokenFile(token)}' }]\napi: { listen: '127.0.0.1:0' }\nhealth: { listen: off }`,
  )
  const address = sidecar.addresses.api as string
  return { address, sidecar }
}

describe('bytes that are no good request', () => {
  const requests = [
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['no header name', 'GET /v1/token HTTP/1.1\r\nHost: HOST\r\n: x\r\n\r\n', 400],
    [
      'two ends',
      'GET /v1/token HTTP/1.1\r\nHost: HOST\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
    ],
    ['headers of 64 KiB', `GET /v1/token HTTP/1.1\r\nHost: HOST\r\nX: ${'x'.repeat(65_536)}\r\n\r\n`, 400],
    [
      'two hosts',
      'GET /v1/token HTTP/1.1\r\nHost: HOST\r\nHost: evil\r\nProjected-Token: true\r\nConnection: close\r\n\r\n',
      403,
    ],
    ...['X-Forwarded-For: 10.0.0.1', 'Via: 1.1 proxy', 'Origin: http://evil.example', 'Host: evil'].map(
      (last) =>
        [
          `more headers than Node keeps before ${last}`,
          `GET /v1/token HTTP/1.1\r\nHost: HOST\r\nProjected-Token: true\r\nConnection: close\r\n${'a:\r\n'.repeat(1_900)}${last}\r\n\r\n`,
          403,
        ] as const,
    ),
    ['no host', 'GET /v1/token HTTP/1.0\r\nProjected-Token: true\r\n\r\n', 403],
    [
      'a host in its target',
      'GET http://evil.example/v1/token HTTP/1.1\r\nHost: HOST\r\nProjected-Token: true\r\nConnection: close\r\n\r\n',
      403,
    ],
    ['a method of its own', 'BREW /v1/token HTTP/1.1\r\nHost: HOST\r\nProjected-Token: true\r\n\r\n', 400],
    [
      'a rare method',
      'PROPFIND /v1/token HTTP/1.1\r\nHost: HOST\r\nProjected-Token: true\r\nConnection: close\r\n\r\n',
      405,
    ],
    ['a tunnel', 'CONNECT evil.example:443 HTTP/1.1\r\nHost: HOST\r\nProjected-Token: true\r\n\r\n', 0],
  ] as const

  it.each(requests)('get neither a token nor a word about the server: %s', async (_what, bytes, status) => {
    const { address, sidecar } = await start()
    const received = await sendBytes(address, bytes.replaceAll('HOST', address))
    expect(received).not.toContain(token)
    expect(received).not.toMatch(/fastify|node|stack|\bat \//i)
    if (status > 0) expect(received.startsWith(`HTTP/1.1 ${status} `)).toBe(true)
    else expect(received).toBe('')
    expect(sidecar.lines.join('')).not.toContain(token)
  })

  it('keep their connection for seconds only when they are half a request', async () => {
    const { address } = await start()
    let isEnded = false
    const ended = sendBytes(address, 'GET /v1/token HTTP/1.1\r\nHo').finally(() => {
      isEnded = true
    })
    await expect.poll(() => isEnded, { timeout: 25_000 }).toBe(true)
    expect(await ended).not.toContain(token)
  })
})
