import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']

/** A Chromium in PATH; `undefined` where there is none. */
export const CHROMIUM = (process.env.PATH ?? '')
  .split(':')
  .flatMap((folder) => NAMES.map((name) => join(folder, name)))
  .find((file) => existsSync(file))

export const NO_BROWSER = `no ${NAMES.join(', ')} in PATH`

const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A page that keeps what went wrong with it. */
export interface WatchedPage {
  readonly page: Page
  /** Console errors, exceptions, violations of the policy. */
  readonly complaints: string[]
  /** URLs of all requests. */
  readonly requests: string[]
}

export interface Browser {
  open(options?: { width?: number; scheme?: 'light' | 'dark'; zone?: string }): Promise<WatchedPage>
  /** Closes all pages, so that no server waits for one. */
  closePages(): Promise<void>
  close(): Promise<void>
}

/** Starts it with a new, empty profile. */
export async function startBrowser(): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'sidecar-page-'))
  const browser = await chromium.launch({
    ...(CHROMIUM === undefined ? {} : { executablePath: CHROMIUM }),
    args: [...ARGUMENTS, `--disk-cache-dir=${profile}`],
    timeout: 60_000,
  })
  const contexts: BrowserContext[] = []
  return {
    async open({ width = 1280, scheme = 'light', zone = 'Europe/Berlin' } = {}) {
      const context = await browser.newContext({
        viewport: { width, height: width < 600 ? 740 : 800 },
        colorScheme: scheme,
        timezoneId: zone,
        deviceScaleFactor: width < 600 ? 2 : 1,
      })
      contexts.push(context)
      const page = await context.newPage()
      page.setDefaultTimeout(60_000)
      const complaints: string[] = []
      const requests: string[] = []
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
      })
      page.on('pageerror', (error) => complaints.push(String(error)))
      page.on('request', (request) => requests.push(request.url()))
      return { page, complaints, requests }
    },
    async closePages() {
      await Promise.all(contexts.splice(0).map((context) => context.close()))
    },
    async close() {
      await Promise.all(contexts.splice(0).map((context) => context.close()))
      await browser.close()
      await rm(profile, { recursive: true, force: true })
    },
  }
}
