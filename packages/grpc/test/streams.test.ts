import * as grpc from '@grpc/grpc-js'
import { systemClock } from '@projected-token/core'
import { createChannelCredentials } from '@projected-token/grpc'
import ts from 'typescript'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { readDocument } from '../../../test/docs/support/documents.js'
import { snippetsOf } from '../../../test/docs/support/snippets.js'
import { createHoldingProvider, tokenFor } from './support/provider.js'
import { createClient, startServer } from './support/server.js'

const PATIENTLY = { timeout: 20_000 }

async function connect(options = {}) {
  const provider = createHoldingProvider(tokenFor(systemClock, 'old', 3600))
  const server = await startServer('tls', options)
  const client = createClient(server.target, createChannelCredentials(provider, server.channelCredentials))
  return { provider, server, client }
}

type Stream = grpc.ClientDuplexStream<Buffer, Buffer>

/** Resolves with the next message of a stream that answers every message. */
async function echo(stream: Stream, text: string): Promise<string> {
  const answer = new Promise<Buffer>((resolve, reject) => {
    stream.once('data', resolve)
    stream.once('error', reject)
  })
  stream.write(Buffer.from(text))
  return String(await answer)
}

describe('a long stream', () => {
  it('keeps the token that it began with; the next one gets the new token', async () => {
    const { provider, server, client } = await connect()
    const stream = client.stream()
    expect(await echo(stream, 'one')).toBe('one')
    provider.current = tokenFor(systemClock, 'new', 3600)
    expect(await echo(stream, 'two')).toBe('two')
    expect(server.seen).toEqual([['Bearer old']])
    stream.end()
    const next = client.stream()
    expect(await echo(next, 'three')).toBe('three')
    next.end()
    expect(server.seen).toEqual([['Bearer old'], ['Bearer new']])
  })

  it("is recycled by the server's maximum connection age: opened again it has the new token", async () => {
    const { provider, server, client } = await connect({
      'grpc.max_connection_age_ms': 300,
      'grpc.max_connection_age_grace_ms': 300,
    })
    let isOver = false
    onTestFinished(() => {
      isOver = true
    })
    const open = () => {
      if (isOver) return
      const stream = client.stream()
      stream.on('error', () => {})
      stream.on('data', () => {})
      stream.on('status', open)
      stream.write(Buffer.from('x'))
    }
    open()
    await vi.waitFor(() => expect(server.seen[0]).toEqual(['Bearer old']), PATIENTLY)
    provider.current = tokenFor(systemClock, 'new', 3600)
    await vi.waitFor(() => expect(server.seen.at(-1)).toEqual(['Bearer new']), PATIENTLY)
    isOver = true
  })

  it("is recycled by its client shortly before the token's expiry, as the README shows", async () => {
    const { provider, server, client } = await connect()
    await client.ready()
    provider.current = tokenFor(systemClock, 'old', 30.3)
    provider.answer = tokenFor(systemClock, 'new', 3600)
    let current: Stream | undefined
    const watch = () => {
      current = client.stream()
      current.write(Buffer.from('x'))
      return current
    }
    const open = await longStreamOfReadme({ provider, client: { watch }, grpc, handle() {}, report() {} })
    await open()
    await vi.waitFor(() => expect(server.seen[0]).toEqual(['Bearer old']), PATIENTLY)
    provider.current = provider.answer
    await vi.waitFor(() => expect(server.seen.at(-1)).toEqual(['Bearer new']), PATIENTLY)
    current?.cancel()
  })
})

/** The function `open` of the README's "Long streams", with what it takes from around it. */
async function longStreamOfReadme(around: Record<string, unknown>): Promise<() => Promise<void>> {
  const snippets = snippetsOf(await readDocument('packages/grpc/README.md'))
  const { code } = snippets.find(({ code }) => code.startsWith('async function open()')) ?? { code: '' }
  return new Function(
    ...Object.keys(around),
    `${ts.transpile(code, { target: ts.ScriptTarget.ES2022 })}\nreturn open`,
  )(...Object.values(around))
}
