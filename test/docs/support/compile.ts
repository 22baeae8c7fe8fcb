/** Compiles programs that are in no file, against the sources of the workspace. */
import path from 'node:path'
import ts from 'typescript'
import { root } from './documents.js'

/** JavaScript has no types to narrow by: what strictness asks of TypeScript is not asked of it. */
export interface Program {
  readonly name: string
  readonly code: string
  readonly isStrict: boolean
}

/** @returns what the compiler says of each program that is not good, by its name */
export function compile(programs: readonly Program[]): Map<string, string[]> {
  const sources = new Map<string, ts.SourceFile | undefined>()
  const problems = [true, false].flatMap((isStrict) =>
    compileAll(
      programs.filter((program) => program.isStrict === isStrict),
      { ...workspaceOptions(), strict: isStrict, exactOptionalPropertyTypes: isStrict },
      sources,
    ),
  )
  return new Map(problems)
}

function workspaceOptions(): ts.CompilerOptions {
  const file = path.join(root, 'tsconfig.json')
  const { config } = ts.readConfigFile(file, ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root)
  // A program of documentation may show a value without using it, and may be CommonJS's peer.
  return { ...options, noUnusedLocals: false, noUnusedParameters: false, isolatedModules: false }
}

function compileAll(
  programs: readonly Program[],
  options: ts.CompilerOptions,
  sources: Map<string, ts.SourceFile | undefined>,
): [string, string[]][] {
  const codes = new Map(
    programs.map(({ code }, at) => [path.join(root, `test/docs/snippet-${at}.mts`), code]),
  )
  const host = ts.createCompilerHost(options)
  const { getSourceFile, readFile, fileExists } = host
  host.fileExists = (file) => codes.has(file) || fileExists(file)
  host.readFile = (file) => codes.get(file) ?? readFile(file)
  host.getSourceFile = (file, ...rest) => {
    const code = codes.get(file)
    if (code !== undefined) return ts.createSourceFile(file, code, ts.ScriptTarget.Latest)
    if (!sources.has(file)) sources.set(file, getSourceFile(file, ...rest))
    return sources.get(file)
  }
  const program = ts.createProgram([...codes.keys()], options, host)
  return programs.flatMap(({ name }, at) => {
    const found = ts.getPreEmitDiagnostics(program, program.getSourceFile([...codes.keys()][at] ?? ''))
    return found.length === 0 ? [] : [[name, found.map(describe)] as [string, string[]]]
  })
}

function describe({ file, start, messageText }: ts.Diagnostic): string {
  const line = file && start !== undefined ? file.text.slice(0, start).split('\n').length : 0
  return `line ${line}, "${file?.text.split('\n')[line - 1]?.trim()}": ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
}
