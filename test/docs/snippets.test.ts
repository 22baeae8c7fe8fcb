import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { compile } from './support/compile.js'
import { readDocuments } from './support/documents.js'
import { isProgram, isTyped, type Snippet, snippetsOf } from './support/snippets.js'

const snippets = (await readDocuments()).flatMap(snippetsOf)
const inLanguages = (...languages: string[]) =>
  snippets
    .filter(({ language }) => languages.includes(language))
    .map((snippet) => [snippet.place, snippet] as const)

describe('a program in a README', () => {
  const programs = snippets.filter(({ language }) => isProgram(language))
  let problems: Map<string, string[]>
  beforeAll(() => {
    problems = compile(
      programs.map(({ place, language, program }) => ({
        name: place,
        code: program,
        isStrict: isTyped(language),
      })),
    )
  }, 300_000)

  it.each(programs.map(({ place }) => place))('compiles: %s', (place) => {
    expect(problems.get(place) ?? []).toEqual([])
  })
})

describe('data in a README', () => {
  it.each(inLanguages('json'))('is JSON: %s', (_place, { code }: Snippet) => {
    expect(() => JSON.parse(code)).not.toThrow()
  })

  it.each(inLanguages('yaml', 'yml'))('is YAML: %s', (_place, { code }: Snippet) => {
    expect(parse(code)).toBeTypeOf('object')
  })
})

it('knows the language of all code in READMEs', () => {
  const known = new Set(['', 'sh', 'json', 'yaml', 'yml', 'text', 'console', 'diff', 'go', 'dockerfile'])
  const others = snippets.filter(({ language }) => !known.has(language) && !isProgram(language))
  expect(others.map(({ place, language }) => `${place}: ${language}`)).toEqual([])
})
