import { expect, it } from 'vitest'
import { compile } from './support/compile.js'
import { readDocument } from './support/documents.js'
import { snippetsOf } from './support/snippets.js'

/** What the README calls a type, and where the command line has it. */
const SHAPES = [
  ['Inspection', 'inspect/inspection.js'],
  ['DoctorReport', 'doctor/diagnosis.js'],
  ['WatchEvent', 'watch/watch-events.js'],
  ['DemoReport', 'demo/demo-report.js'],
] as const

/** As JSON has it: `null` for what is unknown, and nothing read-only. */
const AS_JSON = `type Json<T> = T extends undefined ? null
  : T extends readonly (infer E)[] ? Json<E>[]
  : T extends object ? { -readonly [Key in keyof T]: undefined extends T[Key] ? OrAbsent<T, Key> : Json<T[Key]> }
  : T
/** An optional key stays as it is; one that may be undefined is null. */
type OrAbsent<T, Key extends keyof T> = {} extends Pick<T, Key> ? T[Key] : Json<T[Key]>
/** The status of a watcher is core's, by the same name in both. */
type Own<T> = T extends { status: object } ? Omit<T, 'status'> : T`

it('describes --json of the command line as its types are', async () => {
  const snippets = snippetsOf(await readDocument('packages/cli/README.md'))
  const programs = SHAPES.map(([name, file]) => {
    const snippet = snippets.find(({ code }) => code.includes(`interface ${name} {`))
    const comparison = `import type { ${name} as Actual } from '../../packages/cli/src/${file}'
export const documented: Own<${name}> = {} as Own<Json<Actual>>
export const actual: Own<Json<Actual>> = {} as Own<${name}>`
    return { name, isStrict: true, code: [snippet?.program, AS_JSON, comparison].join('\n') }
  })
  expect(compile(programs)).toEqual(new Map())
}, 300_000)
