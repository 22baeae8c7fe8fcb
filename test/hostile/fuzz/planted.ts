import { connect } from 'node:net'
import * as fc from 'fast-check'
import { CANARY, goodToken } from './arbitraries.js'
import { ensureDiscreet, ensureSendable } from './oracles.js'
import { startRawServer } from './raw-server.js'
import { defineTarget, ensure, type FuzzTarget } from './target.js'

/** Defects on purpose: they prove that the program would see one. Run by name only. */
export const planted: readonly FuzzTarget[] = [
  plant('planted-error', () => {
    throw new Error('on purpose')
  }),
  plant('planted-rejection', () => void Promise.reject(new Error('on purpose'))),
  plant('planted-exit', () => process.exit(0)),
  plant('planted-hang', () => new Promise(() => {})),
  plant('planted-loop', () => {
    for (;;);
  }),
  plant('planted-leak', (index) => void kept.push(new Array(1_024).fill(index))),
  plant('planted-secret', () => ensureDiscreet({ cause: { data: CANARY } }, 'an error')),
  plant('planted-header', () => ensureArrives('Authorization: Bearer a\x01b', 'a\x01b')),
  plant('planted-split', () => ensureArrives('Authorization: Bearer a\nX-Evil: 1', 'a')),
  plant('planted-expired', () => {
    const token = goodToken('old', -3_600)
    return ensureArrives(`Authorization: Bearer ${token}`, token)
  }),
]

const kept: unknown[] = []

function plant(name: string, check: (index: number) => unknown): FuzzTarget {
  return defineTarget<number>({
    name,
    what: 'a defect on purpose',
    share: 1,
    open: async () => ({
      arbitrary: fc.nat(),
      check: async (index) => void (await check(index)),
      close: async () => {},
    }),
  })
}

/** A client that lets bad bytes through, before the server that must notice them. */
async function ensureArrives(line: string, content: string): Promise<void> {
  const server = await startRawServer()
  try {
    const socket = connect(server.port, '127.0.0.1')
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => {}).resume()
    socket.end(`GET / HTTP/1.1\r\nHost: a\r\n${line}\r\n\r\n`)
    await closed
    ensure(server.violations.length === 0, `what arrives is HTTP: ${server.violations[0]}`)
    for (const request of server.requests) ensureSendable(request, [Buffer.from(content)], undefined)
  } finally {
    await server.close()
  }
}
