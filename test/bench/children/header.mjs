/** Times one header from a valid token, and its parts, in batches. */
import { asked } from './contenders.mjs'
import { serve } from './serve.mjs'

const sides = {}
/** What the loops make goes here, so that nothing of it is optimised away. */
let sink = 0

serve({
  async prepare({ file, headerModule, peers }) {
    const { createTokenWatcher } = await import('@projected-token/core')
    const { createCredentialHeader } = await import(headerModule)
    const watcher = createTokenWatcher({ path: file })
    const token = await watcher.getToken()
    const headerValue = createCredentialHeader('Bearer')

    sides.current = (times) => {
      for (let i = 0; i < times; i++) {
        const headers = { authorization: headerValue(watcher.current) }
        sink += headers.authorization.length
      }
    }
    sides.getToken = async (times) => {
      for (let i = 0; i < times; i++) {
        const headers = { authorization: headerValue(await watcher.getToken()) }
        sink += headers.authorization.length
      }
    }
    sides.clock = (times) => {
      for (let i = 0; i < times; i++) sink += Date.now() & 1
    }
    sides.currentAlone = (times) => {
      for (let i = 0; i < times; i++) sink += watcher.current === token ? 1 : 0
    }
    sides.headerAlone = (times) => {
      for (let i = 0; i < times; i++) {
        const headers = { authorization: headerValue(token) }
        sink += headers.authorization.length
      }
    }
    sides.awaitAlone = async (times) => {
      for (let i = 0; i < times; i++) sink += (await i) & 1
    }
    for (const { name, folder } of peers) {
      const ask = await asked[name]({ file, folder })
      sides[name] = async (times) => {
        for (let i = 0; i < times; i++) sink += (await ask()).length
      }
    }
    return Object.keys(sides)
  },

  /** @returns nanoseconds an operation */
  async time({ side, times }) {
    const startedAt = process.hrtime.bigint()
    await sides[side](times)
    return Number(process.hrtime.bigint() - startedAt) / times
  },

  sink: () => sink,
})
