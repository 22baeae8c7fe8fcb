import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Clock } from '@projected-token/core'

/** Server-sent events: every message is a whole report, so a client that reconnects has missed nothing. */
export interface EventStream {
  readonly clients: number
  hasRoom(): boolean
  add(response: ServerResponse, headers: OutgoingHttpHeaders): void
  /** Something happened: clients are told soon, once for all that happens meanwhile. */
  changed(): void
  /** Ends all answers, so that a server can stop. */
  close(): void
}

/** What a stream needs. */
export interface EventStreamOptions {
  clock: Clock
  /** The report as JSON, without the time, so that two can be compared. */
  render(): string
}

interface Client {
  readonly response: ServerResponse
  /** The last report that it was sent. */
  sent: string
  /** Heartbeats in a row at which it had not taken what was sent before. */
  behind: number
}

/** Tabs that people leave open, each with a socket and a buffer. */
const MAX_CLIENTS = 16
/** The page calls the connection lost after three of them. */
const HEARTBEAT_MS = 5_000
const MAX_BEHIND = 3
/** A rotation is several events. */
const COALESCE_MS = 100

export function createEventStream({ clock, render }: EventStreamOptions): EventStream {
  const clients = new Set<Client>()
  let cancelHeartbeat = () => {}
  let cancelFlush: (() => void) | undefined
  let isClosed = false

  const write = ({ response }: Client, event: string, data: string) =>
    response.write(`event: ${event}\ndata: ${data}\n\n`)
  const update = (client: Client, report: string) => {
    if (client.sent === report) return false
    client.sent = report
    write(client, 'report', `{"nowMs":${clock.now()},"report":${report}}`)
    return true
  }
  const drop = (client: Client) => {
    if (!clients.delete(client)) return
    if (clients.size > 0) return
    cancelHeartbeat()
    cancelFlush?.()
    cancelFlush = undefined
  }
  /** What a slow client has not taken stays in memory: it gets nothing more until it has. */
  const isBehind = ({ response }: Client) => response.writableLength > 0
  const flush = () => {
    cancelFlush = undefined
    const report = render()
    for (const client of clients) if (!isBehind(client)) update(client, report)
  }
  const heartbeat = () => {
    const report = render()
    for (const client of [...clients]) {
      client.behind = isBehind(client) ? client.behind + 1 : 0
      if (client.behind >= MAX_BEHIND) client.response.destroy()
      else if (client.behind === 0 && !update(client, report)) {
        write(client, 'heartbeat', `{"nowMs":${clock.now()}}`)
      }
    }
    if (clients.size > 0) cancelHeartbeat = clock.setTimer(heartbeat, HEARTBEAT_MS)
  }

  return {
    get clients() {
      return clients.size
    },
    hasRoom: () => !isClosed && clients.size < MAX_CLIENTS,
    add(response, headers) {
      response.writeHead(200, {
        ...headers,
        'content-type': 'text/event-stream; charset=utf-8',
        // The socket serves nothing after the stream: a stopping server need not wait for it to be idle.
        connection: 'close',
        // nginx and others like it hold answers back otherwise.
        'x-accel-buffering': 'no',
      })
      const client = { response, sent: '', behind: 0 }
      if (clients.size === 0) cancelHeartbeat = clock.setTimer(heartbeat, HEARTBEAT_MS)
      clients.add(client)
      response.on('close', () => drop(client))
      response.on('error', () => drop(client))
      response.write('retry: 2000\n\n')
      update(client, render())
    },
    changed() {
      if (clients.size === 0) return
      cancelFlush ??= clock.setTimer(flush, COALESCE_MS)
    },
    close() {
      isClosed = true
      for (const client of [...clients]) {
        // Who takes nothing would hold the stop for as long as it likes.
        if (isBehind(client)) client.response.destroy()
        else client.response.end()
      }
    },
  }
}
