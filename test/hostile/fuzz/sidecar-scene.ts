import { writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { createLog, parseConfig, type Sidecar, startSidecar } from '@projected-token/sidecar'
import { goodToken } from './arbitraries.js'
import { ensureDiscreet } from './oracles.js'
import { ensure } from './target.js'

/** A sidecar with all its listeners, in this process. */
export interface SidecarScene {
  readonly sidecar: Sidecar
  readonly token: string
  /** One good request on a kept connection. @returns its status and body */
  ask(address: string, path: string): Promise<{ status: number; body: string }>
  /** Judges the log's lines so far, and forgets them. */
  checkLog(): void
  close(): Promise<void>
}

export async function startScene(scratch: string, upstream = 'http://127.0.0.1:9'): Promise<SidecarScene> {
  const path = join(scratch, 'token')
  const token = goodToken('sidecar', 30 * 86_400)
  await writeFile(path, token)
  let lines: string[] = []
  const log = createLog({ level: 'trace', write: (line) => void lines.push(line) })
  const yaml = `
tokens: [{ name: api, path: ${JSON.stringify(path)}, audience: vault }]
api: { listen: '127.0.0.1:0' }
health: { listen: '127.0.0.1:0' }
status: { listen: '127.0.0.1:0' }
shutdownTimeout: 1s
proxies: [{ listen: '127.0.0.1:0', upstream: '${upstream}', token: api, clientHeader: replace }]
`
  const sidecar = await startSidecar(parseConfig(yaml, 'fuzz.yaml'), { log })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return {
    sidecar,
    token,
    ask: (address, target) =>
      new Promise((resolve, reject) => {
        const headers = { 'projected-token': 'true' }
        const [host, port] = address.split(':')
        const sent = request({ host, port, path: target, headers, agent }, async (response) => {
          let body = ''
          for await (const chunk of response.setEncoding('utf8')) body += chunk
          resolve({ status: response.statusCode ?? 0, body })
        })
        sent.once('error', reject).end()
      }),
    checkLog() {
      const all = lines
      lines = []
      for (const line of all) {
        ensure(/^\{[^\n]*\}\n$/.test(line), `a log line is one line: ${JSON.stringify(line.slice(0, 300))}`)
        JSON.parse(line)
        ensureDiscreet(line, 'a log line', 20_000)
      }
    },
    async close() {
      agent.destroy()
      await sidecar.close()
    },
  }
}
