/** What the end of one request means. Pure. */

/**
 * How long after a repair the product may still refuse, unless the watch sees the change earlier: without a valid token
 * the file is read every second (`MIN_READ_INTERVAL_MS` of core), and a Vault login that waits for a JWT asks for it
 * within 5 s (`JWT_MAX_MS` of vault). On two busy processors a timer and a read take their time as well.
 */
export const reactionMs = (client) => (client === 'vault' ? 5_000 : 1_000) + 250
/** A broken connection shows a moment after what broke it. */
const AFTERMATH_MS = 3_000
/** Vault's logins that failed spread over twice the outage. */
const VAULT_AFTERMATH = 2

/**
 * @param record { client, outcome, startedAtMs, endedAtMs, oracleAccepted?, oracleAcceptedFirst?, publishedMs? } of a request
 *   that was refused or that failed. The perfect client was accepted at the end of the request, and (where nothing was
 *   sent) at its beginning; `publishedMs` is how long before it the file was written
 * @param faults [{ explains, keepsFromReading?, fromMs, toMs? }]
 * @returns `shared`: a perfect client would have been refused too; `broken`: a fault took server, client or connection
 *   away; `reacting`: the file was good again, or a fault that kept the client from reading it over, for less than the
 *   reaction time; `violation`: none of these
 */
export function judgeRecord(record, faults) {
  const isExplained = isExplainedBy(record, faults)
  if (record.outcome === 'failed') return isExplained ? 'broken' : 'violation'
  if (!record.oracleAccepted) return isExplained || !wasTooSlow(record) ? 'shared' : 'violation'
  if (record.client === 'vault' && isExplained) return 'broken'
  return isReacting(record, faults) ? 'reacting' : 'violation'
}

function isReacting({ client, publishedMs, startedAtMs }, faults) {
  if (publishedMs !== undefined && publishedMs < reactionMs(client)) return true
  return faults.some(
    ({ keepsFromReading = [], fromMs, toMs = Number.POSITIVE_INFINITY }) =>
      keepsFromReading.includes(client) && fromMs <= startedAtMs && toMs + reactionMs(client) > startedAtMs,
  )
}

/** Whether the perfect client's token was still good when the request began, and the product was not quick to say no. */
function wasTooSlow({ client, oracleAcceptedFirst, startedAtMs, endedAtMs }) {
  return oracleAcceptedFirst === true && endedAtMs - startedAtMs > reactionMs(client)
}

/** Whether a fault kept the client, or what it talks to, from working at some time during the request. */
export function isExplainedBy({ client, startedAtMs, endedAtMs }, faults) {
  return faults.some(({ explains, fromMs, toMs = Number.POSITIVE_INFINITY }) => {
    const spreadMs = client === 'vault' ? VAULT_AFTERMATH * (toMs - fromMs) : 0
    return (
      (explains.includes('all') || explains.includes(client)) &&
      fromMs <= endedAtMs &&
      toMs + spreadMs + AFTERMATH_MS >= startedAtMs
    )
  })
}
