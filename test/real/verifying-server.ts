import { Worker } from 'node:worker_threads'

/** What a resource server saw of one client (the header `x-client`). */
export interface ClientCounts {
  requests: number
  accepted: number
  /** Requests without a bearer token. */
  unauthenticated: number
  /** Requests whose token did not pass. */
  refused: number
  /** Accepted requests that TokenReview was asked about, too. */
  reviewed: number
  reasons: Record<string, number>
  /** Distinct tokens, by `jti`. */
  tokens: number
}

export interface VerifyingServer {
  readonly url: string
  counts(): Promise<Record<string, ClientCounts>>
  reset(): Promise<void>
  /** Asks TokenReview about every n-th request from now on. */
  reviewEvery(n: number): Promise<void>
  close(): Promise<void>
}

export interface VerifyingServerOptions {
  jwksUrl: string
  issuer: string
  audience: string
  tokenReviewUrl: string
  reviewEvery: number
}

export async function startVerifyingServer(options: VerifyingServerOptions): Promise<VerifyingServer> {
  const worker = new Worker(new URL('./verifying-server.mjs', import.meta.url), { workerData: options })
  const answers = new Map<number, (clients: Record<string, ClientCounts>) => void>()
  const url = await new Promise<string>((resolve, reject) => {
    worker.once('error', reject)
    worker.on('message', (message) => {
      if (message.url) resolve(message.url)
      else answers.get(message.id)?.(message.clients)
    })
  })
  let lastId = 0
  const ask = (message: object) =>
    new Promise<Record<string, ClientCounts>>((resolve) => {
      answers.set(++lastId, resolve)
      worker.postMessage({ id: lastId, ...message })
    })
  return {
    url,
    counts: () => ask({}),
    reset: async () => void (await ask({ reset: true })),
    reviewEvery: async (n) => void (await ask({ reviewEvery: n })),
    close: async () => void (await worker.terminate()),
  }
}
