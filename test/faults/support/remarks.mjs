/** What is wrong with a cell besides the phases of its requests. Pure: each gives texts, none when all is well. */

/** Their callers get the token provider's own message. */
const TELLS_THE_REASON = new Set(['fetch', 'undici', 'grpc'])

/** What was done more often than the rules allow. */
export function hurries({ reads, calls, requests, logins }, seconds) {
  const found = []
  // One read a second by the cadence of these watchers, one look a second for refused tokens, and a few at the start.
  if (reads > 2 * seconds + 10) found.push(`${reads} reads in ${seconds.toFixed(1)} s`)
  // The same token is sent once; Vault is asked about its own tokens too.
  if (logins === undefined && requests > calls + 5) found.push(`${requests} requests for ${calls} calls`)
  // The first one, one for the revocation, and one for the doubt that a refusal leaves; a blip may be retried.
  if (logins > 5) found.push(`${logins} logins`)
  return found
}

/** Whether the watch says of itself what it should. */
export function watchIsHonest(fault, watch) {
  if (fault.watch === undefined || watch === undefined || fault.watch.includes(watch)) return []
  return [`the watch says ${watch}`]
}

/** Whether an error told what has to be told. */
export function tellsTheReason(fault, adapter, results) {
  if (fault.says === undefined || !TELLS_THE_REASON.has(adapter)) return []
  return results.some(({ message = '' }) => fault.says.test(message)) ? [] : [`no message says ${fault.says}`]
}

/** What came after the end of the fault: no new kind of failure, and the next token. */
export function aftermath(phases, laterLabels, isBack) {
  const known = new Set([...phases, 'old', 'new'])
  const strange = laterLabels.find((label) => !known.has(label))
  return [...(strange ? [`${strange} after its end`] : []), ...(isBack ? [] : ['does not recover'])]
}

/** What the servers saw that they must not see. */
export function leaks(seen, elsewhere) {
  const found = []
  if (seen?.withoutToken > 0) found.push('sent without a token')
  // Whose it was shows in the cell of the one that followed the redirect.
  if (elsewhere.credentials > 0) found.push('a token went elsewhere')
  return found
}
