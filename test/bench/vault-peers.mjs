/** Vault tokens of a few seconds on a real Vault, kept alive by us, by node-vault, and by `vault agent`. */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { temporaryFolder } from '../check/support/temporary.mjs'
import { startChild, withChildren } from './support/child.mjs'
import { atMost, count, megabytes, percent } from './support/format.mjs'
import { median } from './support/statistics.mjs'
import { compare } from './support/table.mjs'
import { loadRealServers } from './support/vault-modules.mjs'
import { findNodeVault, residentBytes, startAgent } from './support/vault-peers.mjs'
import { monotonicNs } from './support/volume.mjs'

const TTL_SECONDS = 3
/** A token is renewed until this age; then another login is needed. */
const MAX_TTL_SECONDS = 30
const LEASES = 100
/** Longer than a lease: the tokens end. The last one is longer than a first few retries. */
const OUTAGES_SECONDS = [6, 6, 6, 30]
const READ_INTERVAL_MS = 100
/** Who has not recovered after this time is said not to. */
const RECOVERY_SECONDS = 60
const ROLE = 'app'

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

export const vaultPeers = {
  name: 'vault-peers',
  about: 'short leases on a real Vault, beside vault agent and node-vault',
  async run({ quick, progress }) {
    const nodeVault = await findNodeVault()
    const leases = quick ? 12 : LEASES
    const outages = quick ? OUTAGES_SECONDS.slice(0, 1) : OUTAGES_SECONDS
    const contenders = [
      { kind: 'ours', mount: 'ours' },
      { kind: 'agent', mount: 'agent' },
      ...(nodeVault.reason
        ? []
        : [
            { kind: 'node-vault', mount: 'node-vault', folder: nodeVault.folder },
            { kind: 'node-vault, login at 403', mount: 'node-vault-again', folder: nodeVault.folder },
          ]),
      { kind: 'static', mount: 'static' },
    ]
    progress('starting Vault')
    const servers = await loadRealServers()
    try {
      await Promise.all([servers.buildVault(), servers.buildKube()])
    } catch (error) {
      const reason = error.message.split('\n')[0]
      return {
        rows: [{ metric: 'short leases', baseline: `not measured: ${reason}` }],
        notes: [],
        data: null,
      }
    }
    const results = await withServers(servers, contenders, (running) =>
      measure(running, contenders, { leases, outages, progress }),
    )
    return report(results, contenders, { leases, outages, nodeVault })
  },
}

async function withServers({ startKube, startVault }, contenders, use) {
  const directory = await temporaryFolder('vault-peers')
  const kube = await startKube()
  let vault
  let agent
  try {
    const volume = await kube.createVolume({
      directory: path.join(directory, 'volume'),
      expirationSeconds: 3600,
    })
    vault = await startVault({ storage: 'raft' })
    const role = { token_ttl: `${TTL_SECONDS}s`, token_max_ttl: `${MAX_TTL_SECONDS}s` }
    for (const { mount } of contenders) {
      await vault.enableKubernetesAuth({ mount, kubernetesHost: kube.url, roles: { [ROLE]: role } })
      await vault.putSecret(mount, { password: 'hunter2' })
    }
    const home = path.join(directory, 'agent')
    await mkdir(home)
    const { binary, address } = vault
    const { version } = (await vault.request('GET', 'sys/health')).body
    const place = { binary, address, mount: 'agent', role: ROLE, file: volume.path, directory: home }
    agent = await startAgent(place)
    return await use({ vault, version, agent, file: volume.path })
  } finally {
    await agent?.close()
    await vault?.close()
    await kube.close()
  }
}

function measure({ vault, version, agent, file }, contenders, { leases, outages, progress }) {
  const starts = contenders.map(() => () => startChild('vault-reader.mjs'))
  return withChildren(starts, async (...children) => {
    const all = (method) => Promise.all(children.map((child) => child.call(method)))
    const pids = await Promise.all(
      contenders.map((contender, index) =>
        children[index].call('start', {
          ...contender,
          ...{ address: vault.address, role: ROLE, file, secret: `secret/data/${contender.mount}` },
          ...{ sink: agent.sink, token: vault.rootToken, intervalMs: READ_INTERVAL_MS },
        }),
      ),
    )
    progress(`${leases} leases of ${TTL_SECONDS} s`)
    const fromMs = Date.now()
    await all('mark')
    await sleep(leases * TTL_SECONDS * 1_000)
    const calm = await all('seen')
    const memory = await Promise.all([...pids, agent.pid].map(residentBytes))
    const requests = countRequests(await vault.audit(), contenders, fromMs, Date.now())

    const recoveries = []
    for (const seconds of outages) {
      progress(`Vault is away for ${seconds} s`)
      await vault.kill()
      await sleep(seconds * 1_000)
      await vault.restart({ keepStorage: true })
      const backAtNs = monotonicNs()
      await all('mark')
      recoveries.push(await untilRecovered(all, contenders, backAtNs))
    }
    return { version, calm, memory, requests, recoveries }
  })
}

/** @returns milliseconds after which each one's reads were good again; null is one whose reads were not */
async function untilRecovered(all, contenders, backAtNs) {
  // node-vault as it is documented does not log in again: nobody waits for it.
  const isAwaited = contenders.map(({ kind }) => kind !== 'node-vault')
  for (;;) {
    await sleep(1_000)
    const seen = await all('seen')
    const isGood = seen.map(({ goodAgainAtNs }) => goodAgainAtNs !== null)
    const isOver = monotonicNs() - backAtNs > RECOVERY_SECONDS * 1e9
    // A while longer: one good read may have been the old token's last.
    if (isOver || isGood.every((good, index) => good || !isAwaited[index])) {
      await sleep((TTL_SECONDS + 1) * 1_000)
      return (await all('seen')).map(({ goodAgainAtNs }) =>
        goodAgainAtNs === null ? null : Math.max(0, (goodAgainAtNs - backAtNs) / 1e6),
      )
    }
  }
}

/** What each one asked of Vault for its token; a renewal is told by the token, which read that one's secret. */
function countRequests(entries, contenders, fromMs, toMs) {
  const owners = new Map()
  for (const { path: at, token } of entries) {
    if (at.startsWith('secret/data/')) owners.set(token, at.slice('secret/data/'.length))
  }
  const during = entries.filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs)
  return contenders.map(({ mount }) => {
    const own = during.filter(({ path: at, token }) =>
      at.startsWith('auth/token/') ? owners.get(token) === mount : at === `auth/${mount}/login`,
    )
    const logins = own.filter(({ path: at }) => at.endsWith('/login')).length
    return {
      logins,
      renewals: own.filter(({ path: at }) => at.endsWith('/renew-self')).length,
      all: own.length,
    }
  })
}

function report(results, contenders, { leases, outages, nodeVault }) {
  const { version, calm, memory, requests, recoveries } = results
  const at = (kind) => contenders.findIndex((contender) => contender.kind === kind)
  const peers = contenders.filter(({ kind }) => kind !== 'ours' && kind !== 'static').map(({ kind }) => kind)
  const label = (kind) => {
    if (kind === 'agent') return `vault agent ${version}`
    return kind.replace('node-vault', `node-vault ${nodeVault.version}`)
  }
  const missing = nodeVault.reason ? [{ baseline: `node-vault: ${nodeVault.reason}` }] : []
  const against = (format) => [
    ...peers.map((kind) => ({ baseline: `${label(kind)} ${format(at(kind))}` })),
    ...missing,
  ]
  const failed = (index) => calm[index].reads - (calm[index].outcomes['200'] ?? 0)
  const failures = (index) => `${count(failed(index))} of ${count(calm[index].reads)}`
  const perLease = (index) => (requests[index].all / leases).toFixed(2)
  const recovery = (round) => (index) => {
    const ms = recoveries[round][index]
    return ms === null ? 'not within the time' : `${(ms / 1000).toFixed(1)} s`
  }
  const short = outages.map((_, round) => round).filter((round) => outages[round] === outages[0])
  const shortRecovery = (index) => {
    const all = short.map((round) => recoveries[round][index])
    if (all.includes(null)) return 'none'
    return `${(median(all) / 1000).toFixed(1)} s`
  }
  const long = outages.length > short.length ? outages.length - 1 : undefined
  const own = at('ours')
  const bare = memory[at('static')]
  const bytes = (value) => (value === undefined ? 'not known' : megabytes(value))
  const [first, ...others] = against(failures)
  return {
    rows: [
      ...compare('requests to Vault a lease, for the token', perLease(own), against(perLease)),
      ...compare(`failed reads over ${leases} leases`, failures(own), [
        { ...first, goal: '0', result: atMost(failed(own), 0) },
        ...others,
      ]),
      ...compare(`good reads again after ${outages[0]} s away`, shortRecovery(own), against(shortRecovery)),
      ...(long === undefined
        ? []
        : compare(
            `good reads again after ${outages[long]} s away`,
            recovery(long)(own),
            against(recovery(long)),
          )),
      ...compare('resident memory of the process', bytes(memory[own]), [
        { baseline: `a static token ${bytes(bare)}` },
        {
          baseline: `vault agent ${bytes(memory.at(-1))}, and the program's own ${bytes(memory[at('agent')])}`,
        },
        ...peers
          .filter((kind) => kind !== 'agent')
          .map((kind) => ({ baseline: `${label(kind)} ${bytes(memory[at(kind)])}` })),
      ]),
    ],
    notes: [
      `vault-peers: Vault ${version} with TokenReviews by Kubernetes' own code; a token of ${TTL_SECONDS} s, renewable up to ${MAX_TTL_SECONDS} s; a read every ${READ_INTERVAL_MS} ms. Requests by Vault's audit log: ${contenders
        .map(
          ({ kind }, index) =>
            `${kind} ${requests[index].logins} logins, ${requests[index].renewals} renewals`,
        )
        .filter((_, index) => contenders[index].kind !== 'static')
        .join(
          '; ',
        )}. Failed reads: ${peers.map((kind) => `${kind} ${percent(failed(at(kind)) / calm[at(kind)].reads)} (${describe(calm[at(kind)].outcomes)})`).join('; ')}.`,
      `vault-peers: away is a killed process, restarted with its storage; the time is from its being unsealed and ready to the first of the reads that were all good, the median of ${short.length}. node-vault renews by startTokenRenewal(), which ends at the first failure; 'login at 403' is the login and second try that its users write.`,
    ],
    data: { contenders: contenders.map(({ kind }) => kind), ...results },
  }
}

const describe = (outcomes) =>
  Object.entries(outcomes)
    .filter(([outcome]) => outcome !== '200')
    .map(([outcome, times]) => `${times} × ${outcome}`)
    .join(', ') || 'none'
