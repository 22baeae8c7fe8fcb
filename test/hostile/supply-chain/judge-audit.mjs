/**
 * Advisories that do not concern us, each with the reason: `{ 'GHSA-…': 'why' }`. Everything else fails.
 */
export const ARGUED = {}

/**
 * What `npm audit --json` has said: `clean`, `argued`, `bad`, or `skipped` where the registry has no such endpoint or
 * cannot be reached. A skip is not clean: it is told with its reason.
 */
export function judgeAudit(stdout, argued = ARGUED) {
  let answer
  try {
    answer = JSON.parse(stdout)
  } catch {
    return { result: 'skipped', lines: ['skipped: npm audit gave no report'] }
  }
  if (answer.vulnerabilities === undefined) {
    const reason = answer.message ?? answer.error?.summary ?? 'the registry gave no report'
    return { result: 'skipped', lines: [`skipped: ${withoutHosts(reason)}`] }
  }
  const advisories = new Map()
  for (const { via = [], nodes = [] } of Object.values(answer.vulnerabilities)) {
    for (const one of via) {
      if (typeof one === 'string') continue // by way of another package, which has an entry of its own
      const id = /GHSA-[\w-]+/.exec(one.url ?? '')?.[0] ?? String(one.source)
      advisories.set(id, { id, ...one, nodes })
    }
  }
  const found = [...advisories.values()]
  const bad = found.filter(({ id }) => !Object.hasOwn(argued, id))
  const lines = [
    ...bad.map(
      ({ id, name, severity, title, nodes }) =>
        `bad: ${id}, ${severity}, ${name}: ${title} (${nodes.join(', ')})`,
    ),
    ...found
      .filter(({ id }) => Object.hasOwn(argued, id))
      .map(({ id, name }) => `argued: ${id}, ${name}: ${argued[id]}`),
    ...Object.keys(argued)
      .filter((id) => !advisories.has(id))
      .map((id) => `no longer found, so no longer to be argued: ${id}`),
  ]
  if (bad.length > 0) return { result: 'bad', lines }
  const { prod } = answer.metadata?.dependencies ?? {}
  return {
    result: found.length > 0 ? 'argued' : 'clean',
    lines: [...lines, `${found.length > 0 ? 'argued' : 'clean'}: ${prod ?? 'all'} production dependencies`],
  }
}

const withoutHosts = (text) => String(text).replace(/https?:\/\/\S+/g, 'the registry')
