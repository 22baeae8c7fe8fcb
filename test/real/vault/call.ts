import { once } from 'node:events'
import * as http from 'node:http'
import * as https from 'node:https'
import { text } from 'node:stream/consumers'

export interface VaultAnswer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: each path answers something else, and tests look into it.
  body: any
  headers: http.IncomingHttpHeaders
}

/** Rejects only if there is no answer. A header that is undefined is not sent. */
export async function callVault(
  url: URL,
  method: string,
  body: unknown,
  ca: string | undefined,
  headers: Record<string, string | undefined>,
): Promise<VaultAnswer> {
  const { request } = url.protocol === 'https:' ? https : http
  const present = Object.entries(headers).filter(([, value]) => value !== undefined)
  const outgoing = request(url, {
    method,
    // A connection of its own: one that was kept might be that of a process since killed.
    agent: false,
    ...(ca && { ca }),
    headers: { 'content-type': 'application/json', ...Object.fromEntries(present) },
  })
  // One in mid-answer is the response's to report, and needs a listener here all the same.
  outgoing.on('error', () => {})
  outgoing.end(body === undefined ? undefined : JSON.stringify(body))
  const [response] = (await once(outgoing, 'response')) as [http.IncomingMessage]
  const content = await text(response)
  return {
    status: response.statusCode ?? 0,
    body: content === '' ? undefined : JSON.parse(content),
    headers: response.headers,
  }
}
