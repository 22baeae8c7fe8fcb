/** Faults of the server that the token is sent to. @typedef {import('./context.mjs').Fault} Fault */
import { startElsewhere } from '../support/elsewhere.mjs'

const SLOW_MS = 300

/** @type {Fault[]} */
export const SERVER_FAULTS = [
  front('server slow', { slowMs: SLOW_MS }),
  front('server resets every connection', 'reset'),
  front('server half-closes instead of answering', 'half-close'),
  {
    name: 'server answers 401 to everything',
    calm: true,
    keepsSessions: true,
    async apply({ servers }) {
      for (const server of servers) server.refuse(true)
      return async () => {
        for (const server of servers) server.refuse(false)
      }
    },
  },
  {
    name: 'server redirects elsewhere',
    keepsSessions: true,
    async apply({ servers, elsewhere }) {
      const foreign = elsewhere ?? (await startElsewhere())
      for (const server of servers) server.redirect?.(foreign.url)
      return async () => {
        for (const server of servers) server.redirect?.(undefined)
        if (foreign !== elsewhere) await foreign.close()
      }
    },
  },
]

function front(name, mode) {
  return {
    name,
    keepsSessions: true,
    async apply({ servers }) {
      for (const server of servers) server.front.set(mode)
      return async () => {
        for (const server of servers) server.front.set('pass')
      }
    },
  }
}
