/**
 * Which answers were stale. All times are of one clock, in milliseconds.
 *
 * @param publications in order: { token, beganAtMs, endedAtMs } of what put it into the file
 * @param answers { token, askedAtMs, answeredAtMs }
 * @param toleranceMs how long an answer may lag behind the file
 * @returns how many there were of each kind, and the longest lag
 */
export function judgeAnswers(publications, answers, toleranceMs) {
  const counts = { answers: answers.length, current: 0, lagging: 0, stale: 0, unknown: 0, longestLagMs: 0 }
  for (const answer of answers) {
    const index = publications.findIndex(({ token }) => token === answer.token)
    const published = publications[index]
    if (published === undefined || published.beganAtMs > answer.answeredAtMs) {
      counts.unknown++
      continue
    }
    // A request that was under way during a rotation may give either token.
    const replacedAtMs = publications[index + 1]?.endedAtMs ?? Number.POSITIVE_INFINITY
    const lagMs = Math.max(0, answer.askedAtMs - replacedAtMs)
    counts.longestLagMs = Math.max(counts.longestLagMs, lagMs)
    if (lagMs === 0) counts.current++
    else if (lagMs <= toleranceMs) counts.lagging++
    else counts.stale++
  }
  return counts
}
