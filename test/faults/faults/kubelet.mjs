/** Faults of the kubelet and of the API server behind it. @typedef {import('./context.mjs').Fault} Fault */
import { nothing } from './context.mjs'
import { untilExpired } from './wait.mjs'

const SHORT_SECONDS = 10

/** @type {Fault[]} */
export const KUBELET_FAULTS = [
  {
    name: 'TokenRequest fails until the token on disk has expired',
    scenario: 16,
    isLong: true,
    calm: true,
    says: /expired .* ago/,
    async apply({ kubelet }) {
      await kubelet.rotate({ expirationSeconds: SHORT_SECONDS })
      kubelet.setOutage(true)
      await untilExpired(kubelet.current.expiresAtMs)
      return async () => {
        kubelet.setOutage(false)
        await kubelet.rotate()
      }
    },
  },
  {
    name: 'rotated at the last moment (95 % of its life), the watch dead',
    scenario: 31,
    needs: 'control',
    isLong: true,
    isOver: true,
    rotates: true,
    watcher: { reloadIntervalMs: 300_000 },
    async apply({ kubelet, clients }) {
      const lifeMs = 60_000
      const { issuedAtMs } = await kubelet.rotate({ expirationSeconds: lifeMs / 1_000 })
      await Promise.all(clients.map((client) => client.control('killInotify')))
      await untilExpired(issuedAtMs + 0.95 * lifeMs)
      await kubelet.rotate()
      await untilExpired(issuedAtMs + lifeMs)
      return nothing
    },
  },
  {
    name: 'bound object deleted: 401 before the expiry',
    scenario: 28,
    calm: true,
    async apply({ kubelet, servers }) {
      const deleted = kubelet.current.token
      for (const server of servers) server.refuse((token) => token === deleted)
      return async () => {
        // The object is made again, the token of the old one stays dead, and the kubelet asks for another.
        await kubelet.rotate()
        for (const server of servers) server.refuse(false)
      }
    },
  },
]
