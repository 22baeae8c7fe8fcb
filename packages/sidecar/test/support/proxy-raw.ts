import { connect } from 'node:net'

/** Sends bytes as they are, and reads until the server ends the connection. */
export function exchangeRaw(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request, 'latin1'))
    let received = ''
    socket.setEncoding('latin1')
    socket.on('data', (chunk) => {
      received += chunk
    })
    socket.once('end', () => socket.end())
    socket.once('error', reject)
    socket.once('close', () => resolve(received))
  })
}

/** A request that asks for the connection's end, sent as it is. */
export function requestRaw(port: number, line: string, fields: readonly string[] = [], body = '') {
  const lines = [line, ...(fields.some((field) => /^host:/i.test(field)) ? [] : [`Host: 127.0.0.1:${port}`])]
  return exchangeRaw(port, `${[...lines, ...fields, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`)
}

export const statusOf = (response: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(response)?.[1])
export const bodyOf = (response: string): string => response.slice(response.indexOf('\r\n\r\n') + 4)
