import { once } from 'node:events'
import { createServer } from 'node:net'

/** Held until all are known, so that they differ. */
export async function freePorts(count) {
  const listeners = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(listeners.map((listener) => once(listener, 'listening')))
  const ports = listeners.map((listener) => listener.address().port)
  await Promise.all(listeners.map((listener) => once(listener.close(), 'close')))
  return ports
}
