import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** Held until both are known, so that they differ. */
export async function freePorts(wanted?: number): Promise<[number, number]> {
  const listeners = await Promise.all(
    [wanted ?? 0, 0].map(async (port) => {
      const listener = createServer().listen(port, '127.0.0.1')
      await once(listener, 'listening')
      return listener
    }),
  )
  const [port, clusterPort] = listeners.map((listener) => (listener.address() as AddressInfo).port)
  await Promise.all(listeners.map((listener) => once(listener.close(), 'close')))
  return [port, clusterPort] as [number, number]
}
