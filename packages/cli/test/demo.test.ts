import { describe, expect, it } from 'vitest'
import { colorsFor } from '../src/colors.js'
import { type ClientReport, reportDemo } from '../src/demo/demo-report.js'
import { createDetectionLog } from '../src/demo/detection-log.js'
import { createSample, quantiles } from '../src/demo/quantiles.js'
import { renderSummary } from '../src/demo/render-demo.js'
import { runCli, runJson, startCli } from './support/run-cli.js'

describe('demo', () => {
  it('rotates under load without a refused request, and shows who does not keep up', async () => {
    const { exitCode, json } = await runJson(['demo', '--duration', '9s', '--rotate-every', '1s'])
    expect(json).toMatchObject({
      ok: true,
      interrupted: false,
      rotateEveryMs: 1_000,
      tokenLifeMs: 7_000,
      refused: 0,
      unauthenticated: 0,
      failed: 0,
      naive: { id: 'naive', unauthenticated: 0 },
    })
    expect(json.clients.map(({ id }: ClientReport) => id)).toEqual(['fetch', 'undici', 'polling'])
    for (const client of json.clients) expect(client.requests).toBeGreaterThan(0)
    expect(json.requests).toBe(
      json.clients.reduce((sum: number, { requests }: ClientReport) => sum + requests, 0),
    )
    expect(json.naive.refused).toBeGreaterThan(0)
    // Eight on an idle machine; how many a busy one finds the time for is no matter of this test.
    expect(json.rotations).toBeGreaterThan(0)
    expect(json.detection.watch.count).toBeGreaterThan(0)
    expect(json.detection.polling.count).toBeGreaterThan(0)
    expect(json.detection.watch.maxMs).toBeGreaterThan(0)
    expect(exitCode).toBe(0)
  })

  it('tells each rotation in a line, and the sum at the end', async () => {
    const { exitCode, stdout } = await runCli([
      'demo',
      '--duration',
      '2s',
      '--rotate-every',
      '500ms',
      '--no-naive',
    ])
    expect(stdout).toMatch(
      /^A stand-in for the kubelet writes tokens that live 7\.0 s, a new one every 0\.5 s\.\n/,
    )
    const [, rotations] =
      /^(\d+) rotations? and [\d,]+ requests in \d+\.\d s, with tokens that live 7\.0 s$/m.exec(stdout) ?? []
    expect(Number(rotations)).toBeGreaterThan(0)
    for (let rotation = 1; rotation <= Number(rotations); rotation++) {
      expect(stdout).toMatch(
        new RegExp(
          `^ *\\d+\\.\\d s  rotation ${rotation}: [0-9a-f]{12} served after .*; [\\d,]+ requests, 0 refused$`,
          'm',
        ),
      )
    }
    expect(stdout).not.toContain('naive')
    expect(stdout).not.toContain('\u001b[')
    expect(stdout.endsWith('\n✓ no request was refused, none was sent without a token\n')).toBe(true)
    expect(exitCode).toBe(0)
  })

  it('moves on a terminal, and gives the cursor back', async () => {
    const argv = ['demo', '--duration', '1500ms', '--rotate-every', '1s']
    const { exitCode, stdout } = await runCli(argv, { tty: true, env: { NO_COLOR: '1' } })
    expect(stdout).toContain('\u001b[?25l')
    expect(stdout).toMatch(/token [0-9a-f]{12} {2}█+░* {2}\d\.\d s left\n/)
    expect(stdout.slice(stdout.lastIndexOf('\u001b['))).toMatch(/^\u001b\[\?25h\n\d+ rotations and /)
    expect(exitCode).toBe(0)
  })

  it('sums up when it is interrupted', async () => {
    const cli = startCli(['demo', '--rotate-every', '500ms'])
    await cli.toPrint('rotation 1')
    cli.interrupt('SIGINT')
    expect(await cli.exitCode).toBe(130)
    expect(cli.stdout()).toContain(
      '✓ no request was refused, none was sent without a token until it was interrupted\n',
    )
  })
})

describe("the demo's judgement", () => {
  const client = (facts: Partial<ClientReport> = {}): ClientReport => ({
    id: 'fetch',
    title: 'fetch',
    requests: 10,
    refused: 0,
    unauthenticated: 0,
    failed: 0,
    latency: quantiles([1]),
    ...facts,
  })
  const judge = (ours: ClientReport[], rotations = 3) =>
    reportDemo({
      interrupted: false,
      elapsedMs: 1_000,
      rotateEveryMs: 500,
      tokenLifeMs: 4_000,
      rotations,
      detections: createDetectionLog(() => {}),
      ours,
      naive: client({ id: 'naive', refused: 5 }),
    })
  const lastLine = (report: ReturnType<typeof judge>) =>
    renderSummary(report, colorsFor({ isTTY: false, columns: undefined, write() {} }, {}))
      .trimEnd()
      .split('\n')
      .at(-1)

  it('is good when only the naive client was refused', () => {
    expect(judge([client(), client()]).ok).toBe(true)
  })

  it.each([
    ['was refused', { refused: 1 }, '✗ 1 requests were refused (0 had no token), 0 got no answer'],
    [
      'had no token',
      { refused: 2, unauthenticated: 2 },
      '✗ 2 requests were refused (2 had no token), 0 got no answer',
    ],
    ['got no answer', { failed: 1 }, '✗ 0 requests were refused (0 had no token), 1 got no answer'],
    ['was not even sent', { requests: 0 }, '✗ nothing was shown: 3 rotations, 10 requests'],
  ])('is bad when one request of ours %s', (_what, facts, line) => {
    const report = judge([client(), client(facts)])
    expect(report.ok).toBe(false)
    expect(lastLine(report)).toBe(line)
  })

  it('is bad when nothing was rotated', () => {
    const report = judge([client()], 0)
    expect(report.ok).toBe(false)
    expect(lastLine(report)).toBe('✗ nothing was shown: 0 rotations, 10 requests')
  })
})

describe('measurements', () => {
  it('give quantiles that were measured', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)
    expect(quantiles(hundred)).toEqual({ count: 100, p50Ms: 50, p99Ms: 99, maxMs: 100 })
    expect(quantiles([7])).toEqual({ count: 1, p50Ms: 7, p99Ms: 7, maxMs: 7 })
    expect(quantiles([])).toEqual({ count: 0, p50Ms: undefined, p99Ms: undefined, maxMs: undefined })
  })

  it('keep the last values', () => {
    const sample = createSample(3)
    for (const value of [1, 2, 3, 4]) sample.add(value)
    expect([...sample.values()].sort()).toEqual([2, 3, 4])
  })

  it('match publication and sight in either order, once', () => {
    const seen: unknown[] = []
    const log = createDetectionLog((...detection) => seen.push(detection))
    log.published('a', 100)
    log.served('watch', 'a', 110)
    log.served('polling', 'b', 260)
    log.published('b', 200)
    log.published('unseen', 300)
    expect(seen).toEqual([
      ['watch', 'a', 10],
      ['polling', 'b', 60],
    ])
    expect(log.latencies('watch')).toEqual({ count: 1, p50Ms: 10, p99Ms: 10, maxMs: 10 })
    expect(log.latencies('polling')).toEqual({ count: 1, p50Ms: 60, p99Ms: 60, maxMs: 60 })
  })
})
