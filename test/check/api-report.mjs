/** Compares each package's public types with the report that is committed: a change must own up to it. */
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'
import { diffLines } from './support/diff-lines.mjs'
import { StageFailure } from './support/run-stages.mjs'
import { temporaryFolder } from './support/temporary.mjs'
import { publicPackages, root } from './support/workspace.mjs'

export const apiReport = {
  name: 'api-report',
  about: 'public types against packages/*/etc/*.api.md',
  needs: ['build'],
  async run({ note, updateApi }) {
    const problems = []
    const written = await temporaryFolder('api')
    for (const { folder, entries } of await publicPackages()) {
      for (const entry of entries) {
        const report = reportName(folder, entry.subpath)
        const messages = await extract({ folder, entry, report, written, updateApi })
        problems.push(...messages.map((message) => `${entry.specifier}: ${message}`))
        if (updateApi) note(`wrote ${path.relative(root, path.join(folder, 'etc', report))}`)
        else problems.push(...(await compare(path.join(folder, 'etc', report), path.join(written, report))))
      }
    }
    if (problems.length > 0) throw new StageFailure(problems.join('\n'))
  },
}

/** `@projected-token/fetch/undici` is reported in fetch-undici.api.md. */
const reportName = (folder, subpath) =>
  `${path.basename(folder)}${subpath.slice(1).replaceAll('/', '-')}.api.md`

/** Writes the report into `written`, and into the package too when `updateApi`. @returns what is wrong */
async function extract({ folder, entry, report, written, updateApi }) {
  const messages = []
  const reportFolder = path.join(folder, 'etc')
  if (updateApi) await mkdir(reportFolder, { recursive: true })
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: path.join(folder, entry.types),
      // The built declarations alone, by the rules a consumer's compiler follows.
      compiler: {
        overrideTsconfig: {
          compilerOptions: { target: 'ES2023', module: 'NodeNext', strict: true, types: ['node'] },
          files: [path.join(folder, entry.types)],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: report,
        reportFolder,
        reportTempFolder: written,
        includeForgottenExports: true,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.Warning },
          // Everything exported is public: release tags would say nothing.
          'ae-missing-release-tag': { logLevel: ExtractorLogLevel.None },
          // A name often says it all.
          'ae-undocumented': { logLevel: ExtractorLogLevel.None },
        },
        // It knows the tags of TSDoc only; ours are those of typedoc.
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
    configObjectFullPath: path.join(folder, 'api-extractor.json'),
    packageJsonFullPath: path.join(folder, 'package.json'),
    ignoreMissingEntryPoint: false,
  })
  Extractor.invoke(config, {
    localBuild: updateApi,
    printApiReportDiff: false,
    messageCallback(message) {
      message.handled = true
      const counts = message.logLevel === 'error' || message.logLevel === 'warning'
      if (counts && !message.messageId.startsWith('console-api-report')) {
        messages.push(message.formatMessageWithLocation(folder))
      }
    },
  })
  return messages
}

async function compare(committed, written) {
  const name = path.relative(root, committed)
  const remedy = 'If that is meant: npm run check -- --update-api'
  const [before, after] = await Promise.all([
    readFile(committed, 'utf8').catch(() => ''),
    readFile(written, 'utf8'),
  ])
  if (before === after) return []
  if (before === '') return [`${name} does not exist. ${remedy}`]
  return [
    `${name}: the public types differ from the committed report. ${remedy}`,
    ...diffLines(before, after),
  ]
}
