/**
 * Asks for a token many times between two marks in the log of strace; without a file it awaits nothing as often.
 *
 * Arguments: how often, file
 */
import { existsSync } from 'node:fs'
import { sleep } from './contenders.mjs'

const [times, file] = process.argv.slice(2)
let next = async () => undefined
if (file) {
  const { createTokenWatcher } = await import('@projected-token/core')
  const watcher = createTokenWatcher({ path: file })
  await watcher.getToken()
  while (watcher.status().watch.state !== 'watching') await sleep(10)
  next = () => watcher.getToken()
}
await sleep(500)
existsSync('/mark-begin')
for (let i = 0; i < Number(times); i++) await next()
existsSync('/mark-end')
process.exit()
