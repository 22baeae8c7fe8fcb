/** What ten thousand pods ask of Vault when it comes back: simulated with the package's own decision code. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { removeTemporaryFolders } from '../check/support/temporary.mjs'
import { root } from '../check/support/workspace.mjs'
import { atMost, count, ratio } from './support/format.mjs'
import { simulateHerd } from './support/vault-herd.mjs'
import { drawHerds, duration } from './support/vault-herd-plot.mjs'

const PODS = 10_000
const LEASE_MS = 3_600_000
const AWAY_MS = [300_000, 7_200_000]
/** Peak of the logins a second ÷ the steady rate of renewals. */
const GOAL = 2
/** Longer than a pod remembers that Vault was away, by a little and by far. */
const SELDOM_MS = [61_000, 600_000]
/** How long a program lets a read of a silent Vault hang. */
const HUNG_READ_MS = 60_000
/** Within which all have logged in after an outage: 5 % of the lease. */
const SPREAD_MS = LEASE_MS / 20
const PLOT = path.join(root, 'packages/vault/docs/herd.svg')

export const vaultHerd = {
  name: 'vault-herd',
  about: `${count(PODS)} pods after an outage of Vault, simulated`,
  async run({ progress }) {
    const herds = []
    for (const outageMs of AWAY_MS) herds.push(await simulate({ outageMs }, progress))
    const lost = { outageMs: AWAY_MS[0], losesTokens: true }
    const forgetful = await simulate(lost, progress)
    const seldom = []
    for (const readEveryMs of SELDOM_MS) seldom.push(await simulate({ ...lost, readEveryMs }, progress))
    const hung = await simulate({ outageMs: LEASE_MS / 2, hungReadMs: HUNG_READ_MS }, progress)
    return report(herds, forgetful, seldom, hung)
  },
}

function simulate(outage, progress = () => {}) {
  progress(`${duration(outage.outageMs)} away`)
  return simulateHerd({ pods: PODS, leaseMs: LEASE_MS, ...outage })
}

function report(herds, forgetful, seldom, hung) {
  const all = [...herds, forgetful]
  const name = ({ outageMs, losesTokens }) =>
    `${duration(outageMs)} away${losesTokens ? ', tokens lost' : ''}`
  const perSecond = (value) => `${value.toFixed(1)}/s`
  const seconds = (ms) => `${(ms / 1000).toFixed(0)} s`
  const rates = all.map((herd) => {
    const measured = herd.loginPeakOfTen / herd.steadyPerSecond
    const judged = herd.losesTokens ? {} : { goal: `≤ ${GOAL}`, result: atMost(measured, GOAL) }
    return {
      metric: `peak of logins, ${name(herd)}`,
      ours: perSecond(herd.loginPeakOfTen),
      baseline: `steady renewals ${perSecond(herd.steadyPerSecond)}`,
      ratio: ratio(measured),
      ...judged,
    }
  })
  const healths = all.map((herd) => ({
    metric: `all have a token, ${name(herd)}`,
    ours: seconds(herd.healthyAfterMs),
    baseline: `${count(herd.everWithoutToken)} had been without one`,
    // A pod has to notice that its token is lost: the bound is not meant for that.
    ...(herd.losesTokens
      ? {}
      : { goal: `≤ ${seconds(SPREAD_MS)}`, result: atMost(herd.healthyAfterMs, SPREAD_MS) }),
  }))
  const long = herds.at(-1)
  const even = PODS / (SPREAD_MS / 1000)
  return {
    rows: [...rates, ...healths],
    notes: [
      `vault-herd: a lease of ${duration(LEASE_MS)}, pods spread evenly before the outage; simulated time, seeded chance. A peak is the highest mean of 10 s in a row; by single seconds, where chance alone makes ${Math.max(...all.map((herd) => herd.steadyPeak))} renewals of ${perSecond(long.steadyPerSecond)}, it is ${count(long.loginPeak)} logins after ${duration(long.outageMs)}. Pods whose leases all have ended can only be logged in within ${seconds(SPREAD_MS)} at ${perSecond(even)} or more, ${ratio(even / long.steadyPerSecond)} times the steady rate: both goals cannot be met after ${duration(long.outageMs)}; at ${GOAL} times the rate it takes ${duration(Math.round(PODS / (GOAL * long.steadyPerSecond) / 60) * 60_000)}.`,
      `vault-herd: renewals after it peak at ${herds.map((herd) => `${perSecond(herd.renewalPeakOfTen)} (${duration(herd.outageMs)})`).join(', ')}; attempts while it is away at ${herds.map((herd) => perSecond(herd.attemptsWhileAwayPeakOfTen)).join(', ')}. Tokens lost: each pod reads a secret every 10 s, has seen that Vault is away, and is refused; those that read less often than once a minute have forgotten it and log in at their next read: ${seldom.map((herd, at) => `${perSecond(herd.loginPeakOfTen)} when it is every ${seconds(SELDOM_MS[at])}`).join(', ')}. ${duration(hung.outageMs)} of silence, and reads that hang for ${seconds(HUNG_READ_MS)}: ${count(hung.loginPeak)} logins in the first second, ${perSecond(hung.loginPeakOfTen)} over ten.`,
    ],
    data: all.map(({ renewals: _, logins: __, withoutToken: ___, ...numbers }) => numbers),
  }
}

// `node test/bench/vault-herd.mjs` draws the plot of the documentation.
if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const herds = []
  for (const outageMs of AWAY_MS) herds.push(await simulate({ outageMs }))
  await mkdir(path.dirname(PLOT), { recursive: true })
  await writeFile(PLOT, drawHerds(herds))
  await removeTemporaryFolders()
}
