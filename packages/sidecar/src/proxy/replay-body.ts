import type { Readable } from 'node:stream'

/** 64 KiB: a call of an API fits, and a thousand requests at once hold no more than 64 MiB. */
export const MAX_REPLAY_BYTES = 65_536

/** Whether a body is read before it is sent, so that a 401 does not lose it; others pass as streams, and are lost. */
export function isReplayedLength(contentLength: string | undefined): boolean {
  return contentLength !== undefined && Number(contentLength) <= MAX_REPLAY_BYTES
}

/**
 * Reads a whole body. Its length has been checked, and Node's parser keeps to it. When the client leaves in its midst
 * nothing follows: there is nobody to answer, and nothing to send.
 */
export function readBody(stream: Readable, then: (body: Buffer) => void): void {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.once('end', () => then(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)))
  stream.once('error', () => {}) // a client that left
}
