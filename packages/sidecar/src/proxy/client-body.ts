import { PassThrough, type Readable } from 'node:stream'

/**
 * The body of a client's request, for a library that destroys what it does not read to the end: undici does, when the
 * upstream answers before it has all, or cannot be reached. The request itself is not to be destroyed, since the
 * client's connection goes with it, and the answer with that. The rest is read and dropped; see linger.ts.
 */
export function createClientBody(request: Readable): Readable {
  const body = new PassThrough()
  const breakOff = (error: Error) => body.destroy(error)
  request.pipe(body)
  request.once('error', breakOff)
  request.once('close', () => {
    if (!request.readableEnded) breakOff(new Error('The body broke off'))
  })
  body.on('error', () => {}) // 'close' follows
  body.once('close', () => {
    request.unpipe(body)
    request.resume()
  })
  return body
}
