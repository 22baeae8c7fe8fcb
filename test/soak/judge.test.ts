import { mkdtemp, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FakeKubelet, startFakeKubelet } from '@projected-token/testing'
import { describe, expect, it } from 'vitest'
import { judgeGrowth } from './support/growth.mjs'
import { judgeRecord, type RequestRecord, reactionMs } from './support/judge.mjs'
import { createPerfectClient } from './support/perfect-client.mjs'

const refused: RequestRecord = {
  ...{ client: 'fetch', outcome: 'refused', startedAtMs: 100_000, endedAtMs: 100_010 },
  ...{ oracleAccepted: true, publishedMs: 20_000 },
}
const failed: RequestRecord = { ...refused, outcome: 'failed' }
const fault = (explains: string[], fromMs = 99_000, toMs?: number) => ({ explains, fromMs, toMs })

describe('a refused request', () => {
  it('is a violation when the perfect client was not refused, whatever fault there is', () => {
    expect(judgeRecord(refused, [])).toBe('violation')
    expect(judgeRecord(refused, [fault(['all'])])).toBe('violation')
  })

  it('is shared when the perfect client was refused, too', () => {
    expect(judgeRecord({ ...refused, oracleAccepted: false }, [])).toBe('shared')
  })

  it('is shared when the token expired while the request was judged, unless that took long', () => {
    const late = { ...refused, oracleAccepted: false, oracleAcceptedFirst: true }
    expect(judgeRecord(late, [])).toBe('shared')
    expect(judgeRecord({ ...late, endedAtMs: 110_000 }, [])).toBe('violation')
    expect(judgeRecord({ ...late, endedAtMs: 110_000 }, [fault(['all'])])).toBe('shared')
  })

  it.each([
    ['fetch', 1_250],
    ['grpc', 1_250],
    ['vault', 5_250],
  ])('is within the reaction time of %s for %i ms after the file was written', (client, ms) => {
    expect(reactionMs(client)).toBe(ms)
    expect(judgeRecord({ ...refused, client, publishedMs: ms - 1 }, [])).toBe('reacting')
    expect(judgeRecord({ ...refused, client, publishedMs: ms }, [])).toBe('violation')
  })

  it('is within the reaction time right after a fault that kept the client from reading', () => {
    const unread = { ...fault(['all'], 90_000, 99_500), keepsFromReading: ['fetch'] }
    expect(judgeRecord(refused, [unread])).toBe('reacting')
    expect(judgeRecord(refused, [{ ...unread, toMs: 98_750 }])).toBe('violation')
    expect(judgeRecord(refused, [{ ...unread, keepsFromReading: ['grpc'] }])).toBe('violation')
  })

  it('is explained by a fault of Vault, whose edges hit two requests differently', () => {
    expect(judgeRecord({ ...refused, client: 'vault', publishedMs: undefined }, [fault(['vault'])])).toBe(
      'broken',
    )
  })
})

describe('a failed request', () => {
  it('is explained by a fault of its own client, its server or all', () => {
    expect(judgeRecord(failed, [fault(['fetch'])])).toBe('broken')
    expect(judgeRecord(failed, [fault(['all'])])).toBe('broken')
    expect(judgeRecord(failed, [fault(['vault'])])).toBe('violation')
  })

  it('is explained by a fault during the request, not by an earlier or a later one', () => {
    expect(judgeRecord(failed, [fault(['all'], 50_000, 60_000)])).toBe('violation')
    expect(judgeRecord(failed, [fault(['all'], 100_011)])).toBe('violation')
    expect(judgeRecord(failed, [fault(['all'], 50_000, 99_999)])).toBe('broken')
  })
})

describe('a failed request of Vault', () => {
  it('is explained for twice as long as the outage was, over which logins that failed spread', () => {
    const failedLogin = { ...failed, client: 'vault' }
    expect(judgeRecord(failedLogin, [fault(['vault'], 90_000, 92_300)])).toBe('violation')
    expect(judgeRecord(failedLogin, [fault(['vault'], 90_000, 94_100)])).toBe('broken')
    expect(judgeRecord({ ...failed, client: 'grpc' }, [fault(['all'], 90_000, 94_100)])).toBe('violation')
  })
})

describe('growth', () => {
  it('is seen behind noise', () => {
    const samples = Array.from({ length: 50 }, (_, index) => 1_000 + 10 * index + (index % 7) * 5)
    expect(judgeGrowth(samples, 100).grows).toBe(true)
  })

  it('is not seen in noise, nor in what settles at the start', () => {
    const samples = Array.from({ length: 50 }, (_, index) => (index < 4 ? 100 : 1_000) + (index % 7) * 5)
    expect(judgeGrowth(samples, 100).grows).toBe(false)
  })
})

describe('the perfect client', () => {
  const startKubelet = () => startFakeKubelet({ autoRotate: false, algorithm: 'ES256' })
  const beside = (kubelet: FakeKubelet) => {
    const expected = {
      audience: 'vault',
      issuer: kubelet.issuer,
      subject: 'system:serviceaccount:default:build-robot',
    }
    let nowMs = Date.now()
    const { look: read, refused } = createPerfectClient(kubelet.path, expected, () => nowMs)
    /** Reads ten times a second. */
    const readFor = (ms: number) => {
      for (const untilMs = nowMs + ms; nowMs < untilMs; nowMs += 100) read()
    }
    const sleep = (ms: number) => {
      nowMs += ms
    }
    return { read, refused, readFor, sleep }
  }

  it('has each token as soon as it lies there, and keeps the last good one', async () => {
    await using kubelet = await startKubelet()
    const { read, readFor } = beside(kubelet)

    expect(read().tokens).toEqual([kubelet.current.token])
    const before = kubelet.current.token
    const { token } = await kubelet.rotate()
    expect(read().tokens).toEqual([token, before])
    readFor(1_100)
    expect(read().tokens).toEqual([token])
    await kubelet.wrongAudience()
    readFor(2_000)
    expect(read().tokens).toEqual([token])
    await kubelet.obstruct('link-loop')
    expect(read().tokens).toEqual([token])
    await kubelet.remove({ directory: true })
    expect(read()).toEqual({ tokens: [token], publishedAtMs: undefined })
  })

  it('sends no token of somebody else, even where it has no other that is valid', async () => {
    await using kubelet = await startKubelet()
    const { read } = beside(kubelet)
    const { token } = await kubelet.rotate({ claims: { sub: 'system:serviceaccount:default:other' } })
    expect(read().tokens).toEqual([])
    expect(kubelet.current.token).toBe(token)
  })

  it('may have either of two tokens when one lay there for less than a second, asleep or not', async () => {
    await using kubelet = await startKubelet()
    const { read, readFor, sleep } = beside(kubelet)
    read()
    const first = kubelet.current.token
    const { token } = await kubelet.rotate()
    readFor(400)
    sleep(60_000)
    read()
    await kubelet.remove({ directory: true })
    expect(read().tokens).toEqual([token, first])
  })

  it('has the token in the file as soon as the other has expired, and is told since when', async () => {
    await using kubelet = await startKubelet()
    const { read, sleep } = beside(kubelet)
    const { token: first, expiresAtMs } = await kubelet.rotate({ expirationSeconds: 60 })
    read()
    const { token } = await kubelet.truncateAndWrite()
    expect(read().tokens).toEqual([token, first])
    sleep(61_000)
    expect(read()).toEqual({ tokens: [token], publishedAtMs: expiresAtMs })
  })

  it('keeps a token that was written in place beside a valid one after a minute', async () => {
    await using kubelet = await startKubelet()
    const { read, readFor } = beside(kubelet)
    read()
    const first = kubelet.current.token
    const { token } = await kubelet.truncateAndWrite()
    readFor(59_000)
    expect(read().tokens).toEqual([token, first])
    readFor(2_000)
    expect(read().tokens).toEqual([token])
  })

  it('reads nothing while it is blind, and keeps what came meanwhile beside a valid token after a minute', async () => {
    await using kubelet = await startKubelet()
    const { read, readFor } = beside(kubelet)
    read()
    const first = kubelet.current.token
    const { token } = await kubelet.rotate()
    expect(read({ isBlind: true })).toEqual({ tokens: [first], publishedAtMs: undefined })
    readFor(59_000)
    expect(read().tokens).toEqual([token, first])
    readFor(2_000)
    expect(read().tokens).toEqual([token])
  })

  it('keeps no token that a server refused, and takes it again where it lies in the file', async () => {
    await using kubelet = await startKubelet()
    const { read, refused } = beside(kubelet)
    read()
    const { token } = kubelet.current
    refused(token)
    expect(read().tokens).toEqual([token])
    refused(token)
    await kubelet.remove({ directory: true })
    expect(read().tokens).toEqual([])
  })

  it('is not held by a device in the place of the file', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'perfect-client-'))
    const path = join(directory, 'token')
    const { look: read } = createPerfectClient(path, {
      audience: 'vault',
      issuer: 'issuer',
      subject: 'subject',
    })
    await symlink('/dev/zero', path)
    expect(read().tokens).toEqual([])
    await unlink(path)
    await writeFile(path, 'two words')
    expect(read().tokens).toEqual([])
    await rm(directory, { recursive: true })
  })
})
