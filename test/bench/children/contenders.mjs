/**
 * Who finds a rotated token. Those that watch call `served(token)` at the moment when they would give a new token;
 * those that look when asked return a function that asks them for what they send: the token, or the header with it.
 */
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

export const watching = {
  async ours({ file, served }) {
    const { createTokenWatcher } = await import('@projected-token/core')
    const watcher = createTokenWatcher({ path: file })
    watcher.on('rotated', ({ token }) => {
      if (watcher.current === token) served(token.token)
    })
    await watcher.getToken()
    while (watcher.status().watch.state !== 'watching') await sleep(10)
  },

  /** The floor: what the system reports, and one read at a time. */
  async 'fs.watch'({ directory, file, served }) {
    fs.watch(directory, createReader(file, served))
  },

  /** As its users have it: a read at each event of the directory. */
  async chokidar({ directory, file, served }) {
    const { watch } = await import('chokidar')
    const watcher = watch(directory, { ignoreInitial: true })
    watcher.on('all', createReader(file, served))
    await new Promise((resolve) => watcher.on('ready', resolve))
  },

  /** The system's own events through chokidar, which is told to ignore all entries. */
  async 'chokidar raw'({ directory, file, served }) {
    const { watch } = await import('chokidar')
    const ignored = (each) => each !== directory
    const watcher = watch(directory, { ignoreInitial: true, depth: 0, ignored })
    watcher.on('raw', createReader(file, served))
    await new Promise((resolve) => watcher.on('ready', resolve))
  },
}

export const asked = {
  /** The file of FileAuth alone: the package's entry needs a newer Node. */
  async '@kubernetes/client-node'({ file, folder }) {
    const module = path.join(folder, 'node_modules/@kubernetes/client-node/dist/file_auth.js')
    const { FileAuth } = await import(pathToFileURL(module).href)
    const auth = new FileAuth()
    const user = { authProvider: { name: 'tokenFile', config: { tokenFile: file } } }
    return async () => {
      const options = { headers: {} }
      await auth.applyAuthentication(user, options)
      return options.headers.Authorization
    }
  },

  /** Its reader of the token file, which WorkloadIdentityCredential calls before each exchange. */
  async '@azure/identity'({ file, folder }) {
    const require = createRequire(path.join(folder, 'package.json'))
    const { WorkloadIdentityCredential } = require('@azure/identity')
    const credential = new WorkloadIdentityCredential({
      tenantId: '00000000-0000-0000-0000-000000000000',
      clientId: '00000000-0000-0000-0000-000000000000',
      tokenFilePath: file,
    })
    return () => credential.readFileContents()
  },
}

/** Single flight: events during a read cause one more. */
function createReader(file, served) {
  let last
  let reading = false
  let again = false
  return async () => {
    again = true
    if (reading) return
    reading = true
    while (again) {
      again = false
      const token = await fs.promises.readFile(file, 'latin1').catch(() => undefined)
      if (!token || token === last) continue
      last = token
      served(token)
    }
    reading = false
  }
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
