import { onTestFinished } from 'vitest'

export type Undici = typeof import('undici')

export interface Major {
  name: string
  /** Why it cannot run here. */
  skip: string | undefined
  load(): Promise<Undici>
}

const [nodeMajor = 0, nodeMinor = 0] = process.versions.node.split('.').map(Number)
const undici8Runs = nodeMajor > 22 || (nodeMajor === 22 && nodeMinor >= 19)

/** Every major that the peer range allows. Their types exclude one another; their runtime is what is tested. */
export const majors: Major[] = [
  {
    name: 'undici 6',
    skip: undefined,
    load: () => import('undici-6') as Promise<unknown> as Promise<Undici>,
  },
  { name: 'undici 7', skip: undefined, load: () => import('undici') },
  {
    name: `undici 8${undici8Runs ? '' : ' (needs Node 22.19)'}`,
    skip: undici8Runs ? undefined : 'undici 8 needs Node 22.19',
    load: () => import('undici-8') as Promise<unknown> as Promise<Undici>,
  },
]

/** Closes a dispatcher with the test. */
export function closing<T extends { destroy(): Promise<void> }>(dispatcher: T): T {
  onTestFinished(() => dispatcher.destroy())
  return dispatcher
}

/** Every fetch to test with: the platform's and that of each major. */
export const fetches: { name: string; skip: string | undefined; load(): Promise<typeof fetch> }[] = [
  { name: 'the global fetch', skip: undefined, load: async () => globalThis.fetch },
  ...majors.map(({ name, skip, load }) => ({
    name: `the fetch of ${name}`,
    skip,
    load: async () => (await load()).fetch as unknown as typeof fetch,
  })),
]
