/**
 * A program that uses one adapter of the project, as a user's program would: `client.mjs SETTINGS` (JSON). It sends one
 * request for each command `request`, and tells what its caller got.
 */
import { createTokenWatcher } from '@projected-token/core'
import { commands } from '../support/control.mjs'
import { ADAPTERS, PEERS } from './adapters.mjs'

const settings = JSON.parse(process.argv[2])
const watcher = createTokenWatcher({ ...settings.watcher, keepAlive: true })
const adapter = await { ...ADAPTERS, ...PEERS }[settings.adapter](watcher, settings)

Object.assign(commands, {
  async request() {
    try {
      return await adapter.request()
    } catch (error) {
      return describeFailure(error)
    }
  },
  status: () => ({ watcher: watcher.status(), logins: adapter.logins?.() }),
})
process.stdout.write('ready\n')

/** What a caller can go by: the code, of the error or of what caused it. */
function describeFailure(error) {
  for (let one = error; one !== undefined && one !== null; one = one.cause) {
    if (/^ERR_(?:TOKEN|WATCHER|VAULT|FETCH|GRPC)_/.test(one.code ?? '')) {
      return { kind: 'error', code: one.code, message: one.message }
    }
  }
  // A program of its own reads the file itself.
  if (error.syscall && error.path) return { kind: 'error', code: error.code, message: error.message }
  const { code, message } = error.cause ?? error
  return { kind: 'network', code: code ?? message }
}
