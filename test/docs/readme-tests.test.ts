import { afterAll, describe } from 'vitest'
import { readDocuments } from './support/documents.js'
import { writeProgram } from './support/run-program.js'
import { snippetsOf } from './support/snippets.js'
import { startFolder } from './support/world.js'

/** Tests that READMEs show, as tests of this run. Those of packages/testing are run there. */
const snippets = (await readDocuments())
  .filter(({ path }) => path !== 'packages/testing/README.md')
  .flatMap(snippetsOf)
  .filter(({ code }) => code.includes("from 'vitest'"))
const folder = await startFolder()
afterAll(() => folder.remove())

describe.each(snippets.map(({ place, program }) => [place, program] as const))(
  '%s',
  async (_place, program) => {
    await import(await writeProgram(program, folder.path))
  },
)
