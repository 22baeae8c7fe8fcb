import { basename, dirname, resolve } from 'node:path'
import { DEFAULT_TOKEN_PATH } from '@projected-token/core'
import type { Command } from 'commander'
import { CliError } from '../cli-error.js'
import { colorsFor } from '../colors.js'
import { EXIT, exitCodeOf } from '../exit-codes.js'
import { inspectToken } from '../inspect/inspect-token.js'
import type { DirectoryFacts, Inspection } from '../inspect/inspection.js'
import { renderInspection } from '../inspect/render-inspection.js'
import type { CliIo } from '../io.js'
import { addExpectations, addJson, addTokenPath, type ExpectationOptions, parseText } from '../options.js'
import { printableJson } from '../printable.js'

interface InspectOptions extends ExpectationOptions {
  jwks?: string
  json?: true
}

const HELP = `
Examples:
  $ projected-token inspect
      the pod's own token
  $ projected-token inspect /var/run/secrets/tokens/vault-token --audience vault
      is it for Vault?
  $ kubectl get --raw /openid/v1/jwks | projected-token inspect ./token --jwks /dev/stdin
      did the cluster sign it?
  $ projected-token inspect --json | jq '.token.expiresAtMs / 1000 - now'
      how many seconds it has left

Exit codes: 0 usable, 1 not usable (the findings say why), 2 usage.`

/** `inspect`: what a token file is, and whether it can be used. */
export function registerInspect(program: Command, io: CliIo, finish: (exitCode: number) => void): void {
  const command = program
    .command('inspect')
    .summary('show what a token file is, and whether it can be used')
    .description(
      'Shows who a token is for, for whom, until when, how its file got there, and what is wrong with it.',
    )
  addJson(addExpectations(addTokenPath(command)), 'print one JSON object')
    .option('--jwks <url|file>', 'check the signature with this JSON Web Key Set', parseText)
    .addHelpText('after', HELP)
    .action(async (path: string, options: InspectOptions) => {
      const inspection = await inspectToken({ path, ...options }, io)
      if (io.signal.aborted) return finish(exitCodeOf(io.signal))
      if (options.json) io.stdout.write(`${printableJson(inspection, 2)}\n`)
      else if (!inspection.token && !inspection.file) throw noToken(inspection)
      else io.stdout.write(renderInspection(inspection, colorsFor(io.stdout, io.env)))
      finish(inspection.ok ? EXIT.ok : EXIT.bad)
    })
}

/** There is nothing to report on: the one finding is an error. */
function noToken({ path, findings, nearby }: Inspection): CliError {
  const { code = 'ERR_TOKEN_UNREADABLE', message = 'There is no token' } = findings[0] ?? {}
  const [elsewhere] = nearby?.tokens ?? []
  const outsideOfPod =
    path === DEFAULT_TOKEN_PATH && code === 'ERR_TOKEN_NOT_FOUND'
      ? 'Outside of a pod, give the path of a token file'
      : undefined
  return new CliError(message, {
    code,
    exitCode: EXIT.bad,
    found: nearby && describeNearby(path, nearby),
    remedy: elsewhere ? `projected-token inspect ${elsewhere}` : outsideOfPod,
  })
}

function describeNearby(path: string, { directory, isVolume, tokens }: DirectoryFacts): string {
  const isNearest = ![path, dirname(path)].map((one) => resolve(one)).includes(resolve(directory))
  const what = isNearest
    ? 'all that there is of its path'
    : isVolume
      ? 'the volume of a kubelet'
      : 'a directory'
  const names = tokens.map((token) => basename(token)).join(', ')
  return `'${directory}' is ${what}; ${names === '' ? 'no token lies in it' : `it holds ${names}`}`
}
