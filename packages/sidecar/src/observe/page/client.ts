import type { PageBrowser, PageElement, PageEventSource } from './browser-types.js'
import type { PageState, PageView } from './page-view.js'
import type { Patch } from './patch.js'

/** Runs the page: takes reports as they come, and shows them by the sidecar's clock, second by second. */
export function pageClient(browser: PageBrowser, root: PageElement, view: PageView, patch: Patch): void {
  /** Three heartbeats: a connection that died without a word. */
  const SILENCE_MS = 15_000
  const RETRY_MS = 10_000
  const CLOSED = 2
  const { document, performance } = browser
  let report: PageState['report']
  let connection: PageState['connection'] = 'connecting'
  /** The sidecar's time, and when by the monotonic clock here: the browser's wall clock may be wrong. */
  let server = { nowMs: 0, atMs: performance.now() }
  let source: PageEventSource | undefined
  let lastStartMs = 0

  function show(): void {
    const ageMs = performance.now() - server.atMs
    const { title, views } = view({ report, nowMs: server.nowMs + ageMs, connection, ageMs })
    if (document.title !== title) document.title = title
    patch(root, views)
    root.setAttribute('aria-busy', report ? 'false' : 'true')
  }
  function hear(nowMs: number, by: PageState['connection'], news?: PageState['report']): void {
    server = { nowMs, atMs: performance.now() }
    connection = by
    if (news) report = news
    show()
  }

  /** Where the stream is refused (too many viewers), the same is asked for now and then. */
  async function poll(): Promise<void> {
    try {
      const response = await browser.fetch('status', { cache: 'no-store' })
      if (!response.ok) throw new Error('refused')
      const { nowMs, ...rest } = (await response.json()) as { nowMs: number } & NonNullable<
        PageState['report']
      >
      if (connection !== 'live') hear(nowMs, 'polling', rest)
    } catch {
      connection = 'lost'
      show()
    }
  }
  function start(): void {
    source?.close()
    const own = new browser.EventSource('events')
    source = own
    lastStartMs = performance.now()
    own.addEventListener('report', ({ data }) => {
      const message = JSON.parse(data) as { nowMs: number; report: NonNullable<PageState['report']> }
      hear(message.nowMs, 'live', message.report)
    })
    own.addEventListener('heartbeat', ({ data }) =>
      hear((JSON.parse(data) as { nowMs: number }).nowMs, 'live'),
    )
    own.addEventListener('error', () => {
      if (source !== own) return
      if (own.readyState === CLOSED) return void poll()
      // The browser reconnects by itself.
      connection = 'lost'
      show()
    })
  }
  function tick(): void {
    const nowMs = performance.now()
    const isSilent = nowMs - server.atMs > SILENCE_MS
    const isRefused = source?.readyState === CLOSED
    if (isSilent && connection === 'live') connection = 'lost'
    if ((isSilent || isRefused) && nowMs - lastStartMs > RETRY_MS) start()
    show()
  }

  start()
  show()
  browser.setInterval(tick, 1_000)
  // Timers of a hidden tab are slow: it is right the moment one looks at it.
  document.addEventListener('visibilitychange', tick)
}
