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
/**
 * The option `loginSpreadMs` for at most twice the steady rate. Renewals are 0.7 of a lease apart, so that 0.35 of one
 * (21 min) makes twice their rate on average; chance makes 1.5 times the average of ten seconds of so few logins.
 */
const WIDE_SPREAD_MS = 2_100_000
/** Outages of every length between a first missed renewal and the end of all leases. */
const BETWEEN_MS = [20, 30, 40, 50, 60, 75].map((minutes) => minutes * 60_000)
/** The default, and the option. */
const SPREADS = [undefined, WIDE_SPREAD_MS]
const PLOT = path.join(root, 'packages/vault/docs/herd.svg')

export const vaultHerd = {
  name: 'vault-herd',
  about: `${count(PODS)} pods after an outage of Vault, simulated`,
  async run({ progress }) {
    const herds = []
    for (const loginSpreadMs of SPREADS) {
      for (const outageMs of AWAY_MS) herds.push(await simulate({ outageMs, loginSpreadMs }, progress))
    }
    const lost = { outageMs: AWAY_MS[0], losesTokens: true }
    const losses = []
    for (const loginSpreadMs of SPREADS) losses.push(await simulate({ ...lost, loginSpreadMs }, progress))
    const between = []
    for (const loginSpreadMs of SPREADS) {
      for (const outageMs of BETWEEN_MS) between.push(await simulate({ outageMs, loginSpreadMs }, progress))
    }
    const seldom = []
    for (const readEveryMs of SELDOM_MS) seldom.push(await simulate({ ...lost, readEveryMs }, progress))
    const hung = await simulate({ outageMs: LEASE_MS / 2, hungReadMs: HUNG_READ_MS }, progress)
    return report({ herds, losses, between, seldom, hung })
  },
}

function simulate(outage, progress = () => {}) {
  progress(nameOf(outage))
  return simulateHerd({ pods: PODS, leaseMs: LEASE_MS, ...outage })
}

function nameOf({ outageMs, losesTokens, loginSpreadMs }) {
  const lost = losesTokens ? ', tokens lost' : ''
  return `${duration(outageMs)} away${lost}${loginSpreadMs === undefined ? '' : `, spread ${duration(loginSpreadMs)}`}`
}

const perSecond = (value) => `${value.toFixed(1)}/s`
const seconds = (ms) => `${(ms / 1000).toFixed(0)} s`
const timesSteady = (herd) => herd.loginPeakOfTen / herd.steadyPerSecond

function report({ herds, losses, between, seldom, hung }) {
  const all = [...herds, ...losses]
  const rates = all.map((herd) => ({
    metric: `peak of logins, ${nameOf(herd)}`,
    ours: perSecond(herd.loginPeakOfTen),
    baseline: `steady renewals ${perSecond(herd.steadyPerSecond)}`,
    ratio: ratio(timesSteady(herd)),
    ...(herd.losesTokens ? {} : { goal: `≤ ${GOAL}`, result: atMost(timesSteady(herd), GOAL) }),
  }))
  const healths = all.map((herd) => {
    const boundMs = herd.loginSpreadMs ?? SPREAD_MS
    return {
      metric: `all have a token, ${nameOf(herd)}`,
      ours: seconds(herd.healthyAfterMs),
      baseline: `${count(herd.everWithoutToken)} had been without one`,
      // A pod has to notice that its token is lost: the bound is not meant for that.
      ...(herd.losesTokens
        ? {}
        : { goal: `≤ ${seconds(boundMs)}`, result: atMost(herd.healthyAfterMs, boundMs) }),
    }
  })
  const long = herds.at(-1)
  const even = PODS / (SPREAD_MS / 1000)
  const evenAtGoalMs = (PODS / (GOAL * long.steadyPerSecond)) * 1000
  const highest = SPREADS.map((spreadMs) =>
    Math.max(...between.filter((herd) => herd.loginSpreadMs === spreadMs).map(timesSteady)),
  )
  const lengths = `${BETWEEN_MS.map((ms) => ms / 60_000).join(', ')} min`
  return {
    rows: [...rates, ...healths],
    notes: [
      `vault-herd: a lease of ${duration(LEASE_MS)}, pods spread evenly before the outage; simulated time, seeded chance. A peak is the highest mean of 10 s in a row; by single seconds, where chance alone makes ${Math.max(...all.map((herd) => herd.steadyPeak))} renewals of ${perSecond(long.steadyPerSecond)}, logins after ${duration(long.outageMs)} peak at ${herds
        .filter((herd) => herd.outageMs === long.outageMs)
        .map((herd) => count(herd.loginPeak))
        .join(
          ' and, with the wider spread, ',
        )}. Pods whose leases all have ended can only be logged in within ${seconds(SPREAD_MS)}, the default, at ${perSecond(even)} or more, ${ratio(even / long.steadyPerSecond)} times the steady rate; at ${GOAL} times that rate it takes ${duration(Math.round(evenAtGoalMs / 60_000) * 60_000)} on average, and ${duration(WIDE_SPREAD_MS)} so that chance stays below it too: the option loginSpreadMs. Away for ${lengths}, when some tokens still live, logins peak at up to ${highest.map((times) => ratio(times)).join(' and, with the wider spread, ')} times the steady rate.`,
      `vault-herd: renewals after it peak at ${herds.map((herd) => `${perSecond(herd.renewalPeakOfTen)} (${nameOf(herd)})`).join(', ')}; attempts while it is away at ${herds.map((herd) => perSecond(herd.attemptsWhileAwayPeakOfTen)).join(', ')}. Tokens lost: each pod reads a secret every 10 s, has seen that Vault is away, and is refused; those that read less often than once a minute have forgotten it and log in at their next read: ${seldom.map((herd, at) => `${perSecond(herd.loginPeakOfTen)} when it is every ${seconds(SELDOM_MS[at])}`).join(', ')}. ${duration(hung.outageMs)} of silence, and reads that hang for ${seconds(HUNG_READ_MS)}: ${count(hung.loginPeak)} logins in the first second, ${perSecond(hung.loginPeakOfTen)} over ten.`,
    ],
    data: [...all, ...between].map(({ renewals: _, logins: __, withoutToken: ___, ...numbers }) => numbers),
  }
}

// `node test/bench/vault-herd.mjs` draws the plot of the documentation.
if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [short, long] = AWAY_MS
  const herds = []
  for (const outage of [
    { outageMs: short },
    { outageMs: long },
    { outageMs: long, loginSpreadMs: WIDE_SPREAD_MS },
  ])
    herds.push(await simulate(outage))
  await mkdir(path.dirname(PLOT), { recursive: true })
  await writeFile(PLOT, drawHerds(herds))
  await removeTemporaryFolders()
}
