import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { kindOfFile, removeSocket, setSocketAccess } from '../files.js'
import type { ListenAddress } from './listen-address.js'
import { ListenError } from './listen-error.js'
import { formatListenAddress } from './parse-listen-address.js'
import { listenAlso } from './second-address.js'

const DEFAULT_SOCKET_MODE = 0o600

/**
 * Lets a server listen.
 *
 * @param listener its name in messages: `api`, `proxies[0]`
 * @returns the address, with the port that the system chose for port 0
 * @throws ListenError
 */
export async function listen(
  app: FastifyInstance,
  listener: string,
  address: ListenAddress,
): Promise<string> {
  try {
    return address.kind === 'unix' ? await listenOnSocket(app, address) : await listenOnPort(app, address)
  } catch (error) {
    throw new ListenError(listener, formatListenAddress(address), reasonOf(error), error)
  }
}

async function listenOnPort(app: FastifyInstance, address: ListenAddress & { kind: 'tcp' }): Promise<string> {
  const { host, port } = address
  if (host === 'localhost') await listenOnLocalhost(app, port)
  else {
    await app.listen({ host, port }).catch((error) => {
      if (host !== '::' || !isWithoutIpv6(error)) throw error
      return app.listen({ host: '0.0.0.0', port })
    })
  }
  return listeningAt(app, host)
}

/** The address of a server that listens at a port, which the system may have chosen. */
export function listeningAt(app: FastifyInstance, host: string): string {
  return formatListenAddress({ kind: 'tcp', host, port: (app.server.address() as AddressInfo).port })
}

/** Both addresses of loopback, whatever a resolver says: RFC 6761, section 6.3. */
async function listenOnLocalhost(app: FastifyInstance, port: number): Promise<void> {
  await app.listen({ host: '127.0.0.1', port })
  await listenAlso(app.server, '::1').catch((error) => {
    // Where the system chose the port it knew nothing of the second address.
    const isTakenByChance = port === 0 && (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
    if (!isWithoutIpv6(error) && !isTakenByChance) throw error
  })
}

async function listenOnSocket(
  app: FastifyInstance,
  address: ListenAddress & { kind: 'unix' },
): Promise<string> {
  const { path, mode = DEFAULT_SOCKET_MODE, gid } = address
  const kind = await kindOfFile(path)
  if (kind === 'other') throw new RangeError('there is a file that is no socket, which is not removed')
  // The system calls it a missing permission.
  if (kind === 'none' && (await kindOfFile(dirname(path))) === 'none') {
    throw new RangeError('the directory does not exist')
  }
  if (kind === 'socket') {
    const { isSocketAlive } = await import('../sockets.js')
    if (await isSocketAlive(path)) throw new RangeError('another process listens there')
    await removeSocket(path)
  }
  // It is made with its mode: one that is set afterwards is set for whatever is at the path by then. What is meant
  // for another group waits until the file has that group.
  const isMadeWithMode = listenUnderUmask(app.server, 0o777 & ~(gid === undefined ? mode : mode & 0o707))
  await app.listen({ path })
  if (gid !== undefined || !isMadeWithMode()) await setSocketAccess(path, mode, gid)
  return formatListenAddress(address)
}

/**
 * Lets the server make its socket file under this umask, which is the whole process': it holds for that call alone, so
 * that nothing else is made under it, and no command of a sink is started with it.
 *
 * @returns what tells whether it did: a worker thread has no umask of its own to set
 */
function listenUnderUmask(server: FastifyInstance['server'], mask: number): () => boolean {
  let isSet = false
  const own = server.listen
  server.listen = (...args: unknown[]) => {
    server.listen = own
    const before = setUmask(mask)
    isSet = before !== undefined
    try {
      return own.apply(server, args as never)
    } finally {
      if (before !== undefined) setUmask(before)
    }
  }
  return () => isSet
}

function setUmask(mask: number): number | undefined {
  try {
    return process.umask(mask)
  } catch {
    return undefined
  }
}

const isWithoutIpv6 = (error: unknown) =>
  ['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes((error as NodeJS.ErrnoException).code ?? '')

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there',
  EACCES: 'the permission is missing',
  EPERM: 'the permission is missing; is the group one of this process?',
  EADDRNOTAVAIL: 'this machine does not have the address',
  ENOTFOUND: 'the name is unknown',
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return REASONS[code ?? ''] ?? message
}
