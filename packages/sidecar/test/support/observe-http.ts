import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** One request, with whatever `Host` and method: `fetch` lets nobody choose them. */
export async function ask(
  url: string,
  {
    path = '/',
    method = 'GET',
    headers = {},
  }: { path?: string; method?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await open(url, { path, method, headers })
  let body = ''
  for await (const chunk of response.setEncoding('utf8')) body += chunk
  return { status: response.statusCode ?? 0, headers: response.headers, body }
}

/** The answer as it begins. */
export function open(
  url: string,
  {
    path = '/',
    method = 'GET',
    headers = {},
  }: { path?: string; method?: string; headers?: Record<string, string> } = {},
): Promise<IncomingMessage> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, path, method, headers, agent: false }, resolve)
    outgoing.once('error', reject)
    outgoing.end()
  })
}

/** A message of a stream of server-sent events. */
export interface StreamMessage {
  readonly event: string
  readonly data: {
    nowMs: number
    report?: { sources: unknown[]; events: { type: string }[]; stopping: boolean }
  }
}

/** Reads a stream until it ends. */
export interface StreamReader {
  readonly messages: StreamMessage[]
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly ended: Promise<void>
  readonly raw: () => string
  stop(): void
}

export async function readStream(url: string): Promise<StreamReader> {
  const response = await open(url, { path: '/events' })
  const messages: StreamMessage[] = []
  let raw = ''
  let rest = ''
  response.setEncoding('utf8').on('data', (chunk: string) => {
    raw += chunk
    const blocks = (rest + chunk).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const field = (name: string) =>
        block
          .split('\n')
          .find((line) => line.startsWith(`${name}: `))
          ?.slice(name.length + 2)
      const event = field('event')
      if (event !== undefined) messages.push({ event, data: JSON.parse(field('data') ?? '{}') })
    }
  })
  const ended = new Promise<void>((resolve) => {
    response.on('close', () => resolve())
    response.on('error', () => {})
  })
  return {
    messages,
    status: response.statusCode ?? 0,
    headers: response.headers,
    ended,
    raw: () => raw,
    stop: () => response.destroy(),
  }
}
