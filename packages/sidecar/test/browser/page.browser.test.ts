import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createTokenWatcher } from '@projected-token/core'
import { createFakeClock, startFakeKubelet } from '@projected-token/testing'
import { build } from 'esbuild'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Source } from '../../src/source.js'
import { type Browser, CHROMIUM, NO_BROWSER, startBrowser } from '../support/observe-browser.js'
import { startCanaries } from '../support/observe-canary.js'
import { readStream } from '../support/observe-http.js'
import { type ObserveScene, observe } from '../support/observe-scene.js'
import { STATES, stillSources } from '../support/observe-states.js'

/** Where to leave pictures of every state; none are taken without it. */
const PICTURES = process.env.PROJECTED_TOKEN_SCREENSHOTS
/** For a browser on a busy machine. */
const WAIT_MS = 60_000
const TEST_MS = 180_000

async function picture(page: Page, name: string): Promise<void> {
  if (!PICTURES) return
  mkdirSync(PICTURES, { recursive: true })
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true })
}

let browser: Browser
beforeAll(async () => {
  if (CHROMIUM) browser = await startBrowser()
}, TEST_MS)
afterAll(() => browser?.close(), TEST_MS)

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await browser?.closePages()
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
}, TEST_MS)

async function scene(...[sources, options]: Parameters<typeof observe>): Promise<ObserveScene> {
  const started = await observe(sources, options)
  cleanups.push(() => started.close())
  return started
}

/** A watcher on a file of a kubelet stand-in. */
async function watched(name = 'vault-token') {
  const node = await startFakeKubelet({ algorithm: 'ES256', serve: false, autoRotate: false })
  const provider = createTokenWatcher({ path: node.path })
  cleanups.push(
    () => node.close(),
    () => provider.close(),
  )
  await provider.getToken()
  return { node, provider, source: { kind: 'projected', name, provider } satisfies Source }
}

const textOf = (page: Page) => page.locator('body').textContent()
const live = (page: Page) => page.locator('.meta').getByText(/^.?Live$/)

describe.skipIf(!CHROMIUM)(
  CHROMIUM ? 'the status page in a browser' : `the status page in a browser (skipped: ${NO_BROWSER})`,
  { timeout: TEST_MS },
  () => {
    test.each(Object.keys(STATES))(
      'shows the state %s at 360 and 1280 pixels, light and dark, without a complaint',
      async (state) => {
        const { statusUrl } = await scene(stillSources(state), { clock: createFakeClock() })
        for (const scheme of ['light', 'dark'] as const) {
          const { page, complaints, requests } = await browser.open({ scheme })
          await page.goto(statusUrl)
          await page.getByRole('heading', { level: 3 }).first().waitFor()
          for (const width of [1280, 360]) {
            await page.setViewportSize({ width, height: 760 })
            expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
            await picture(page, `${state}-${width}-${scheme}`)
          }
          expect(complaints).toEqual([])
          expect(requests.filter((url) => !url.startsWith(`${statusUrl}/`))).toEqual([])
        }
      },
    )

    test('shows a rotation and a failure as they happen, without being loaded again', async () => {
      const { node, source } = await watched()
      const { statusUrl } = await scene([source])
      const { page, complaints, requests } = await browser.open()
      await page.goto(statusUrl)
      const card = page.getByRole('article', { name: 'vault-token' })
      await card.getByText(source.provider.status().token?.fingerprint ?? '').waitFor()
      await node.rotate()
      await page.getByText(/^Token [0-9a-f]{12} replaced the one before/).waitFor({ timeout: WAIT_MS })
      const { fingerprint } = source.provider.status().token ?? {}
      await card.getByText(fingerprint ?? '').waitFor({ timeout: WAIT_MS })
      await node.writeRaw('')
      await card.getByText('Reads fail').waitFor({ timeout: WAIT_MS })
      await card.getByText('ERR_TOKEN_EMPTY').waitFor()
      await expect.poll(() => page.title(), { timeout: WAIT_MS }).toMatch(/^! .*vault-token \(reads fail\)/)
      await picture(page, 'events-1280-light')
      await page.setViewportSize({ width: 360, height: 760 })
      await picture(page, 'events-360-light')
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
      expect(requests.filter((url) => url.endsWith('/app.js'))).toHaveLength(1)
      expect(complaints).toEqual([])
    })

    test('says that the connection is lost, and goes on by itself when the sidecar is back', async () => {
      const { source, node } = await watched()
      const first = await observe([source])
      const { page } = await browser.open()
      await page.goto(first.statusUrl)
      await live(page).waitFor({ timeout: WAIT_MS })
      await first.close()
      await page
        .getByRole('alert')
        .getByText('The connection to the sidecar is lost')
        .waitFor({ timeout: WAIT_MS })
      await picture(page, 'lost-1280-light')
      await expect.poll(() => page.title(), { timeout: WAIT_MS }).toMatch(/^\? /)
      await node.rotate()
      await expect.poll(() => source.provider.status().rotations, { timeout: WAIT_MS }).toBe(1)
      await scene([source], { statusPort: Number(new URL(first.statusUrl).port) })
      await live(page).waitFor({ timeout: WAIT_MS })
      await page.getByText(source.provider.status().token?.fingerprint ?? '').waitFor({ timeout: WAIT_MS })
      expect(await page.locator('.stale').textContent()).toBe('')
    })

    test('asks now and then where all places of the stream are taken', async () => {
      const { statusUrl } = await scene(stillSources('valid'), { clock: createFakeClock() })
      const streams = await Promise.all(Array.from({ length: 16 }, () => readStream(statusUrl)))
      const { page } = await browser.open()
      await page.goto(statusUrl)
      await page.getByText('Asked every 10 s').waitFor({ timeout: WAIT_MS })
      await page.getByText('Expires in 3').first().waitFor()
      for (const stream of streams) stream.stop()
      await live(page).waitFor({ timeout: WAIT_MS })
    })

    test('shows hostile claims as text, and runs none of it', async () => {
      const { source, node } = await watched()
      const { statusUrl } = await scene([source])
      await node.rotate({
        claims: {
          sub: 'x\u202e<img src=x onerror="document.title=\'owned\'">\u0007',
          iss: '"><script>document.title="owned"</script>',
          aud: ['<b>bold</b>', 'שלום'],
        },
      })
      await source.provider.reload()
      const { page, complaints } = await browser.open()
      await page.goto(statusUrl)
      await page.getByText('<img src=x onerror=').waitFor({ timeout: WAIT_MS })
      await page.getByText('<b>bold</b>').waitFor()
      expect(await page.locator('#page').locator('img, script, b').count()).toBe(0)
      expect(await page.title()).not.toContain('owned')
      expect(await textOf(page)).toContain('\\u202e')
      expect(complaints).toEqual([])
    })

    test('lets nobody write markup, load from elsewhere or run inline: the policy holds', async () => {
      const { statusUrl } = await scene(stillSources('valid'))
      const { page, complaints } = await browser.open()
      await page.goto(statusUrl)
      const attempt = (code: string) =>
        page.evaluate(
          `(async () => { try { ${code}; return 'done' } catch (error) { return error.name } })()`,
        )
      expect(await attempt("document.body.innerHTML = '<p>'")).toBe('TypeError')
      expect(await attempt("await fetch('http://127.0.0.1:9/')")).toBe('TypeError')
      expect(
        await attempt(
          "const s = document.createElement('style'); s.textContent = 'body { color: red }'; document.head.append(s); if (s.sheet?.cssRules.length) throw new RangeError()",
        ),
      ).toBe('done')
      expect(complaints.length).toBeGreaterThan(1)
    })

    test('holds no secret, neither in the document nor in what it was sent', async () => {
      const canaries = await startCanaries()
      cleanups.push(() => canaries.close())
      const { statusUrl } = await scene(canaries.sources)
      await canaries.stir()
      const { page } = await browser.open()
      await page.goto(statusUrl)
      await page.getByText('Logged in again').first().waitFor({ timeout: WAIT_MS })
      const document = await page.content()
      expect(document).toContain('ERR_TOKEN_MALFORMED')
      for (const secret of canaries.secrets()) expect(document.includes(secret)).toBe(false)
    })

    test('can be used by keyboard and read by a screen reader', async () => {
      const { statusUrl } = await scene(stillSources('several'), { clock: createFakeClock() })
      const { page } = await browser.open({ width: 360 })
      await page.goto(statusUrl)
      await page.getByRole('navigation', { name: 'Tokens' }).waitFor({ timeout: WAIT_MS })
      expect(await page.getByRole('main').count()).toBe(1)
      expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1)
      expect(await page.getByRole('status').textContent()).toBe('No valid token: batch (unavailable)')
      expect(await page.getByRole('article').count()).toBe(4)
      const line = page.getByRole('article', { name: 'vault-token' }).getByRole('img')
      expect(await line.getAttribute('aria-label')).toMatch(
        /^Time line: issued 53 min.* ago, rotation due 5 min.* ago, expires in [67] min/,
      )
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      await expect.poll(() => page.evaluate('location.hash'), { timeout: WAIT_MS }).toBe('#token-batch')
      // The page is made anew every second, and yet the focus stays.
      await expect
        .poll(() => page.locator('.clock').textContent(), { timeout: WAIT_MS })
        .not.toContain(' 00:00:00 ')
      expect(await page.evaluate('document.activeElement.id')).toBe('token-batch')
    })

    test('works as well when a bundler has shortened all that it may', async () => {
      const bundle = await build({
        entryPoints: [new URL('../../src/observe/page/script.ts', import.meta.url).pathname],
        bundle: true,
        minify: true,
        format: 'esm',
        target: 'node20',
        write: false,
      })
      const module = Buffer.from(bundle.outputFiles[0]?.text ?? '').toString('base64')
      const { pageScript } = await import(/* @vite-ignore */ `data:text/javascript;base64,${module}`)
      const { statusUrl } = await scene(stillSources('several'), { clock: createFakeClock() })
      const { page, complaints } = await browser.open()
      await page.route('**/app.js', (route) =>
        route.fulfill({ contentType: 'text/javascript', body: pageScript() }),
      )
      await page.goto(statusUrl)
      await live(page).waitFor({ timeout: WAIT_MS })
      expect(await page.getByRole('article').count()).toBe(4)
      expect(complaints).toEqual([])
    })

    test("shows times here and in UTC, by the sidecar's clock", async () => {
      const { statusUrl } = await scene(stillSources('valid'), { clock: createFakeClock() })
      const { page } = await browser.open({ zone: 'America/New_York' })
      await page.goto(statusUrl)
      await page.getByText('19:38:00', { exact: true }).waitFor({ timeout: WAIT_MS })
      await page.getByText('00:38:00 UTC', { exact: true }).waitFor()
      expect(await page.locator('.clock').textContent()).toMatch(/^19:00:\d\d UTC−05:00 · 00:00:\d\d UTC$/)
    })
  },
)
