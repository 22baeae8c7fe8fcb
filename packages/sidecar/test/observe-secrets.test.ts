import { expect, test, vi } from 'vitest'
import { startCanaries } from './support/observe-canary.js'
import { ask, readStream } from './support/observe-http.js'
import { observe } from './support/observe-scene.js'

test('no endpoint ever shows a token, an accessor, or what lay in a broken file', async () => {
  const canaries = await startCanaries()
  const scene = await observe(canaries.sources)
  try {
    const stream = await readStream(scene.statusUrl)
    await canaries.stir()
    const seen: string[] = []
    for (const path of ['/healthz', '/readyz', '/metrics', '/status', '/nothing']) {
      seen.push(JSON.stringify(await ask(scene.healthUrl, { path })))
    }
    for (const path of ['/', '/app.js', '/style.css', '/icon.svg', '/status', '/nothing']) {
      seen.push(JSON.stringify(await ask(scene.statusUrl, { path })))
    }
    await vi.waitFor(
      () => {
        const types = stream.messages.at(-1)?.data.report?.events.map(({ type }) => type)
        expect(types).toEqual(expect.arrayContaining(['failed', 'recovered', 'rotated', 'login']))
      },
      { timeout: 20_000 },
    )
    stream.stop()
    seen.push(stream.raw())
    // It was told what happened, only not with what.
    expect(seen.join()).toContain('ERR_TOKEN_MALFORMED')
    expect(canaries.secrets().length).toBeGreaterThan(6)
    for (const secret of canaries.secrets()) {
      expect(seen.some((text) => text.includes(secret))).toBe(false)
    }
  } finally {
    await scene.close()
    await canaries.close()
  }
})
