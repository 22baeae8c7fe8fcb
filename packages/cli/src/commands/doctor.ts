import { DEFAULT_TOKEN_PATH } from '@projected-token/core'
import { type Command, CommanderError, InvalidArgumentError, type Option } from 'commander'
import { colorsFor } from '../colors.js'
import type { DoctorReport } from '../doctor/diagnosis.js'
import { renderDoctor } from '../doctor/render-doctor.js'
import { runDoctor } from '../doctor/run-doctor.js'
import { EXIT, exitCodeOf } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { addExpectations, addJson, durationFrom, type ExpectationOptions, parseText } from '../options.js'
import { printableJson } from '../printable.js'
import { hasShownAll, usageError } from '../usage-error.js'
import { addVaultPlace, addVaultTls, requireRole, type VaultOptions } from '../vault/vault-options.js'

interface DoctorOptions extends ExpectationOptions, Omit<VaultOptions, 'audience' | 'tokenPath'> {
  pod?: true
  jwks?: string
  vault?: true
  probe: boolean
  reloadInterval?: number
}

const HELP = `
Examples:
  $ projected-token doctor
      why does the pod's own token not work?
  $ kubectl exec POD -- npx projected-token doctor --pod
      all tokens that are mounted in a container
  $ projected-token doctor /var/run/secrets/tokens/vault --audience vault --vault --role app
      … and does Vault take it? One login, whose token is revoked
  $ projected-token doctor --reload-interval 5m --json | jq -r '.findings[].code'
      is a program that reads the file every five minutes quick enough?

Exit codes: 0 healthy, 1 warnings, 2 broken; 64 usage, because 2 is taken here; 130 on Ctrl-C, 143 on SIGTERM.`

const EXIT_CODES: Readonly<Record<DoctorReport['status'], number>> = {
  healthy: EXIT.ok,
  warnings: EXIT.doctorWarnings,
  broken: EXIT.doctorBroken,
}

/** `doctor`: what is wrong with a token, its file, its mount, its watch and its login. */
export function registerDoctor(program: Command, io: CliIo, finish: (exitCode: number) => void): void {
  const command = program
    .command('doctor')
    .summary('say why a token does not work, or soon will not')
    .description(
      'Looks for what is wrong with a token, and with what it depends on: its mount, modes, rotation, clocks, file ' +
        'watch and, if asked, its signature and its login to Vault.',
    )
    .argument('[path]', `the token file (default: "${DEFAULT_TOKEN_PATH}")`, parseText)
    .option('--pod', 'examine all service account tokens that are mounted in this container')
    .exitOverride(asDoctorsError)
  addJson(addExpectations(command), 'print one JSON object')
    .option(
      '--reload-interval <duration>',
      'how often the program that uses the token reads the file',
      durationFrom(1, 86_400_000, 'a duration from 1ms to 1d'),
    )
    .option('--no-probe', 'make no file beside the token to try the watch')
    .option('--jwks <url|file>', 'check the signature with this JSON Web Key Set', parseText)
    .option('--vault', 'log in to Vault with the token, once, and revoke what it gives')
  const own = new Set(command.options)
  addVaultTls(addVaultPlace(command))
  const ofVault = command.options.filter((option) => !own.has(option))
  command.addHelpText('after', HELP).action(async (path: string | undefined, options: DoctorOptions) => {
    const isGiven = (option: Option) => command.getOptionValueSource(option.attributeName()) === 'cli'
    const report = await examine(path, options, ofVault.find(isGiven), io)
    if (io.signal.aborted || !report) return finish(exitCodeOf(io.signal))
    const text = options.json
      ? `${printableJson(report, 2)}\n`
      : renderDoctor(report, colorsFor(io.stdout, io.env))
    io.stdout.write(text)
    finish(EXIT_CODES[report.status])
  })
}

/** `undefined` when it was interrupted. */
async function examine(
  path: string | undefined,
  options: DoctorOptions,
  forVault: Option | undefined,
  io: CliIo,
): Promise<DoctorReport | undefined> {
  const { pod = false } = options
  try {
    checkTogether(path, options, forVault)
    const tokenPath = path ?? DEFAULT_TOKEN_PATH
    const vault = vaultOf(tokenPath, options)
    return await runDoctor({ ...options, path: tokenPath, pod, vault }, io)
  } catch (error) {
    if (io.signal.aborted) return undefined
    if (error instanceof CommanderError) return asDoctorsError(error)
    throw error
  }
}

/** What does not go together. @param forVault one that was given @throws InvalidArgumentError */
function checkTogether(path: string | undefined, options: DoctorOptions, forVault: Option | undefined): void {
  if (options.pod && path !== undefined) {
    throw new InvalidArgumentError('Give a path, or --pod for all that are mounted.')
  }
  if (options.pod && options.vault) {
    throw new InvalidArgumentError('Vault is asked about one token: give its path instead of --pod.')
  }
  if (!options.vault && forVault) throw new InvalidArgumentError(`${forVault.long} is for --vault.`)
}

/** @throws InvalidArgumentError without a role */
function vaultOf(tokenPath: string, { vault, ...options }: DoctorOptions): VaultOptions | undefined {
  if (!vault) return undefined
  const vaultOptions = { ...options, tokenPath }
  requireRole(vaultOptions)
  return vaultOptions
}

/** 2 means that the token is broken: a script that misspells an option is not to believe that. */
function asDoctorsError(error: CommanderError): never {
  throw hasShownAll(error) ? error : usageError(error, EXIT.doctorUsage)
}
