import { readdir, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { inspect } from 'node:util'
import { serialize } from 'node:v8'

const ALL = { depth: Number.POSITIVE_INFINITY, maxStringLength: null, maxArrayLength: null }

/** What anybody can make of a value: each way to print, store or send it. */
export function readValue(value: unknown): string {
  const ways = [
    () => inspect(value),
    () => inspect(value, { ...ALL, showHidden: true, customInspect: false }),
    // Not with showHidden: together they would call the one getter that is there to give the token.
    () => inspect(value, { ...ALL, getters: true, customInspect: false }),
    () => inspect(value, { ...ALL, showProxy: true }),
    () => JSON.stringify(value),
    () => String(value),
    () => JSON.stringify({ ...(value as object) }),
    () => serialize(value).toString('latin1'),
    () => inspect(structuredClone(value), { depth: Infinity }),
    ...chainOf(value).map(
      (error) => () =>
        `${error.name} ${error.message} ${error.stack} ${inspect(Object.getOwnPropertyDescriptors(error), { depth: 6 })}`,
    ),
  ]
  return ways.map(said).join('\n')
}

/** Some values cannot be cloned or are no JSON; what is said of that is a surface too. */
function said(way: () => unknown): string {
  try {
    return String(way())
  } catch (error) {
    return String(error)
  }
}

function chainOf(value: unknown): Error[] {
  const chain: Error[] = []
  for (let error = value; error instanceof Error && chain.length < 10; error = error.cause) chain.push(error)
  return chain
}

/** Everything that a server answers to such bytes, and every header with it. */
export function readHttp(address: string, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const [host = '', port] = address.split(':')
    const socket = connect({ host, port: Number(port) }, () => socket.write(request))
    let received = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk
    })
    socket.once('error', reject)
    socket.once('close', () => resolve(received))
  })
}

/** The usual request of a client that asks for the end. */
export const get = (address: string, path: string, ...fields: string[]) =>
  readHttp(
    address,
    `${[`GET ${path} HTTP/1.1`, `Host: ${address}`, ...fields, 'Connection: close'].join('\r\n')}\r\n\r\n`,
  )

/** The command lines of all processes, as every user of the machine can read them. */
export async function readCommandLines(): Promise<string> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const read = (pid: string) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')
  return (await Promise.all(pids.map(read))).join('\n')
}

/** The environment that a process was started with. */
export const readEnvironment = (pid: number): Promise<string> => readFile(`/proc/${pid}/environ`, 'latin1')
