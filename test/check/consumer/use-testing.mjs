/** Watches the token of a fake kubelet while it rotates. */
import assert from 'node:assert/strict'
import { load } from './load.mjs'

const { createTokenWatcher } = await load('@projected-token/core')
const { startFakeKubelet } = await load('@projected-token/testing')

const kubelet = await startFakeKubelet({ audience: 'vault' })
const watcher = createTokenWatcher({
  path: kubelet.path,
  audience: 'vault',
  keepAlive: true,
  reloadIntervalMs: 1000,
})
const first = await watcher.getToken()

const rotated = new Promise((resolve) => watcher.once('rotated', resolve))
await kubelet.rotate()
assert.equal((await rotated).previous.token, first.token)
assert.notEqual((await watcher.getToken()).token, first.token)

await watcher.close()
await kubelet.close()
