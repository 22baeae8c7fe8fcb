/**
 * All clients of one pod, in its container. CASE names it, SERVER is where requests go, TOKENS says which:
 * [{ name, path, audience, route }]. Once a second it tells the server what the clients under test say of themselves.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { startNaiveClients } from './naive.mjs'
import { startSdkClient } from './sdk.mjs'

const SDK_INTERVAL_MS = 500
const NAIVE_INTERVAL_MS = 1_000
const REPORT_INTERVAL_MS = 1_000

const { CASE, SERVER, TOKENS, STAY } = process.env
const clients = {}
for (const [index, { name, path, audience, route }] of JSON.parse(TOKENS).entries()) {
  const url = `${SERVER}/${route}`
  const client = `${CASE}/${name}`
  clients[client] = startSdkClient({ name: client, path, audience, url, intervalMs: SDK_INTERVAL_MS })
  if (index === 0) startNaiveClients({ name: CASE, path, url, intervalMs: NAIVE_INTERVAL_MS })
}

// Some go on as long as they are let, as programs do that have something to finish.
process.on('SIGTERM', () => {
  if (!STAY) process.exit(0)
})

for (;;) {
  const reports = Object.fromEntries(Object.entries(clients).map(([client, report]) => [client, report()]))
  const body = JSON.stringify({ pod: CASE, reports })
  await fetch(`${SERVER}/report`, { method: 'POST', body }).catch(() => {})
  await delay(REPORT_INTERVAL_MS)
}
