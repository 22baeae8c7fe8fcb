import { createTokenWatcher, type TokenWatcher } from '@projected-token/core'
import { type FakeKubelet, startFakeKubelet } from '@projected-token/testing'
import { makeTemporaryDirectory } from '../files.js'
import type { CliIo } from '../io.js'
import { createFetchClient, createNaiveClient, createUndiciClient, type DemoClient } from './demo-clients.js'
import { type DemoServer, startDemoServer } from './demo-server.js'

/** All that takes part in a demo. */
export interface DemoStage {
  readonly kubelet: FakeKubelet
  /** When the kubelet was about to publish its current token: monotonic milliseconds. */
  readonly publishedAtMs: () => number
  readonly server: DemoServer
  readonly watching: TokenWatcher
  readonly polling: TokenWatcher
  readonly ours: readonly DemoClient[]
  readonly naive: DemoClient | undefined
  /** Ends everything and removes the files. */
  close(): Promise<void>
}

const AUDIENCE = 'demo'

/** Builds the stage; takes it down again when that fails. */
export async function buildStage(
  tokenLifeSeconds: number,
  naive: boolean,
  { clock }: CliIo,
): Promise<DemoStage> {
  const ends: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const end of ends.splice(0).reverse()) await end()
  }
  const ending = <Resource>(resource: Resource, end: (resource: Resource) => Promise<unknown>): Resource => {
    ends.push(() => end(resource))
    return resource
  }
  const closing = <Resource extends { close(): Promise<unknown> }>(resource: Resource): Resource =>
    ending(resource, (one) => one.close())

  try {
    const directory = ending(await makeTemporaryDirectory(), (one) => one.remove())
    let publishedAtMs = 0
    const kubelet = closing(
      await startFakeKubelet({
        directory: directory.path,
        audience: AUDIENCE,
        expirationSeconds: tokenLifeSeconds,
        algorithm: 'ES256',
        autoRotate: false, // the demo sets the pace
        onFileOperation({ kind, path }) {
          // The last step before the rename that publishes: what is measured from here is never too short.
          if (kind === 'symlink' && path === '..data_tmp') publishedAtMs = clock.monotonicNow()
        },
      }),
    )
    const { path, issuer, jwksUrl = '' } = kubelet
    const server = closing(await startDemoServer({ jwksUrl, issuer, audience: AUDIENCE }))
    const watcherOptions = { path, audience: AUDIENCE, issuer, clock }
    const watching = closing(createTokenWatcher(watcherOptions))
    const polling = closing(createTokenWatcher({ ...watcherOptions, watch: false }))
    const { origin } = server
    return {
      kubelet,
      publishedAtMs: () => publishedAtMs,
      server,
      watching,
      polling,
      ours: [
        closing(createFetchClient('fetch', 'fetch', origin, watching)),
        closing(createUndiciClient('undici', 'undici interceptor', origin, watching)),
        closing(createFetchClient('polling', 'fetch, without a watch', origin, polling)),
      ],
      naive: naive
        ? closing(await createNaiveClient('naive', 'naive: read the token once', origin, path))
        : undefined,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
