import { renameSync, symlinkSync } from 'node:fs'
import { chmod, rename, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fastify } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { setSocketAccess } from '../src/files.js'
import { listen } from '../src/listen/listen.js'
import { temporaryDirectory } from './support/files.js'

const gid = process.getgid?.() ?? 0

/** A server, and somebody who puts a link to a file of the same user in the place of its socket. */
async function startWithSwap(access: { mode: number; gid?: number }) {
  const directory = await temporaryDirectory()
  const path = join(directory, 'api.sock')
  const victim = join(directory, 'victim')
  await writeFile(victim, 'private')
  await chmod(victim, 0o600)
  const app = fastify()
  onTestFinished(() => app.close())
  // Before whoever waits for it hears that it listens.
  app.server.prependOnceListener('listening', () => {
    renameSync(path, join(directory, 'moved'))
    symlinkSync(victim, path)
  })
  return { victim, listening: listen(app, 'api', { kind: 'unix', path, ...access }) }
}

describe('a unix socket in a directory that others may write to', () => {
  it('has its mode from its first moment: a link in its place is not followed', async () => {
    const { victim, listening } = await startWithSwap({ mode: 0o666 })
    await listening
    expect((await stat(victim)).mode & 0o777).toBe(0o600)
  })

  it('is made under a umask that nothing else sees: not what happens while the server starts, nor afterwards', async () => {
    const before = process.umask()
    const seen: number[] = []
    const app = fastify()
    onTestFinished(() => app.close())
    app.addHook('onReady', async () => {
      seen.push(process.umask())
    })
    app.server.prependOnceListener('listening', () => seen.push(process.umask()))
    const path = join(await temporaryDirectory(), 'api.sock')
    const listening = listen(app, 'api', { kind: 'unix', path, mode: 0o666 })
    const watch = setInterval(() => seen.push(process.umask()), 0)
    await listening.finally(() => clearInterval(watch))
    expect((await stat(path)).mode & 0o777).toBe(0o666)
    expect(new Set([...seen, process.umask()])).toEqual(new Set([before]))
  })

  it('gets its group only when it is still the socket', async () => {
    const { victim, listening } = await startWithSwap({ mode: 0o660, gid })
    await expect(listening).rejects.toThrow('something else has taken the place of the socket')
    expect((await stat(victim)).mode & 0o777).toBe(0o600)
  })

  it.each([0o600, 0o620, 0o666, 0o606])('has mode %o, with a group and without', async (mode) => {
    for (const access of [{ mode }, { mode, gid }]) {
      const path = join(await temporaryDirectory(), 'api.sock')
      const app = fastify()
      onTestFinished(() => app.close())
      await listen(app, 'api', { kind: 'unix', path, ...access })
      expect((await stat(path)).mode & 0o777).toBe(mode)
    }
  })
})

it('the access of what is no socket is left as it is', async () => {
  const directory = await temporaryDirectory()
  const path = join(directory, 'file')
  await writeFile(`${path}.real`, '')
  await chmod(`${path}.real`, 0o600)
  await symlink(`${path}.real`, path)
  await expect(setSocketAccess(path, 0o666, gid)).rejects.toThrow('something else')
  await rename(`${path}.real`, path)
  await expect(setSocketAccess(path, 0o666, gid)).rejects.toThrow('something else')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})
