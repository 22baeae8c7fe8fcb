/** Answers as Vault does to a login and to a read, and does as little as it can: the client is what is measured. */
import net from 'node:net'
import { serve } from './serve.mjs'

const TOKEN = 'hvs.CAESIJ3VlAwmHv1Xl0ZWQtYnktYmVuY2htYXJrEg'
const END = '\r\n\r\n'
let logins = 0

const json = (status, body) => {
  const text = JSON.stringify(body)
  return Buffer.from(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${text.length}${END}${text}`,
  )
}
const SECRET = json('200 OK', {
  request_id: '5a1f4c1e-5b0c-4c1e-8d9e-8f0a1b2c3d4e',
  lease_id: '',
  renewable: false,
  lease_duration: 0,
  data: {
    data: { username: 'app', password: 'correct horse battery staple' },
    metadata: {
      created_time: '2026-01-01T00:00:00.000000000Z',
      deletion_time: '',
      destroyed: false,
      version: 1,
    },
  },
  wrap_info: null,
  warnings: null,
  auth: null,
})
const LOGIN = json('200 OK', {
  lease_duration: 0,
  auth: {
    client_token: TOKEN,
    accessor: 'QeDoTZ9wQ3kSZbR5Wr5vC0Ie',
    policies: ['default'],
    token_policies: ['default'],
    metadata: { role: 'app' },
    lease_duration: 3600,
    renewable: true,
    entity_id: '',
    token_type: 'service',
    orphan: true,
    mfa_requirement: null,
    num_uses: 0,
  },
})

serve({
  /** @returns where it listens */
  listen() {
    const server = net.createServer((socket) => {
      let rest = ''
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('data', (data) => {
        rest += data.toString('latin1')
        for (let request = takeRequest(); request; request = takeRequest()) answer(request)
      })
      const takeRequest = () => {
        const headEnd = rest.indexOf(END)
        if (headEnd < 0) return undefined
        const bodyLength = Number(/\r\ncontent-length: (\d+)/i.exec(rest.slice(0, headEnd))?.[1] ?? 0)
        const end = headEnd + END.length + bodyLength
        if (rest.length < end) return undefined
        const head = rest.slice(0, headEnd)
        rest = rest.slice(end)
        return head
      }
      const answer = (head) => {
        if (head.startsWith('POST /v1/auth/kubernetes/login ')) {
          logins++
          return socket.write(LOGIN)
        }
        // Without its token a request is a failed measurement: the client then sees the socket close.
        if (!head.toLowerCase().includes(`\r\nx-vault-token: ${TOKEN.toLowerCase()}`)) return socket.destroy()
        return socket.write(SECRET)
      }
    })
    return new Promise((resolve) => {
      const done = () => resolve({ address: `http://127.0.0.1:${server.address().port}` })
      server.listen(0, '127.0.0.1', done)
    })
  },

  logins: () => logins,
})
