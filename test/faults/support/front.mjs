/** What stands before a server and does to connections what networks, load balancers and dying servers do. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * @typedef {'pass' | 'reset' | 'half-close' | { slowMs: number }} FrontMode
 *
 * @typedef {object} Front
 * @property {number} port on 127.0.0.1
 * @property {(mode: FrontMode) => void} set for what is sent from now on. Connections that are open end with the faults
 *   that break them.
 * @property {() => Promise<void>} close
 */

/** @param {number} upstreamPort on 127.0.0.1 @returns {Promise<Front>} */
export async function startFront(upstreamPort) {
  /** @type {FrontMode} */
  let mode = 'pass'
  const sockets = new Set()

  const track = (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  }
  const cutAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  const server = createServer({ allowHalfOpen: true }, (client) => {
    track(client)
    const upstream = connect(upstreamPort, '127.0.0.1')
    track(upstream)
    client.on('data', (chunk) => {
      if (mode === 'reset') client.resetAndDestroy()
      else if (mode === 'half-close') client.end()
      else if (!upstream.destroyed) upstream.write(chunk)
    })
    // One after the other, however long the ones before are held back.
    let sending = Promise.resolve()
    const inTurn = (act) => {
      const held = typeof mode === 'object' ? delay(mode.slowMs) : undefined
      sending = sending.then(() => held).then(act)
    }
    upstream.on('data', (chunk) => inTurn(() => client.writable && client.write(chunk)))
    client.once('end', () => upstream.end())
    client.once('close', () => upstream.destroy())
    upstream.once('end', () => inTurn(() => client.end()))
    upstream.once('close', () => {
      if (mode !== 'half-close') inTurn(() => client.destroy())
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: server.address().port,
    set(next) {
      // A half-closed connection would stay open for ever.
      if (mode === 'half-close') cutAll()
      mode = next
    },
    async close() {
      cutAll()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
