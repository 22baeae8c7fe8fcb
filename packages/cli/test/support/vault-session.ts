import { readdir, readFile } from 'node:fs/promises'
import { secret } from './run-cli.js'
import { boundClaims, createIssuer, temporaryDirectory, writeFileFor } from './token-files.js'
import { startVaultStandIn, type VaultStandIn } from './vault-stand-in.js'

const issuer = await createIssuer()

/** A stand-in for Vault, a token file, and a directory, with what tells a command of them. */
export interface VaultSetup {
  readonly vault: VaultStandIn
  readonly jwt: string
  readonly directory: string
  readonly env: Record<string, string>
  /** A command line of the group `vault`. */
  argv(command: string, ...more: string[]): string[]
}

/** @param mayShow whether a token of the stand-in may be in what the program, or what it runs, prints */
export async function setUpVault({ mayShow }: { mayShow: boolean }): Promise<VaultSetup> {
  const vault = await startVaultStandIn(mayShow ? undefined : secret)
  const jwt = await issuer.sign(boundClaims(Date.now()))
  const jwtPath = await writeFileFor(`${jwt}\n`)
  return {
    vault,
    jwt,
    directory: await temporaryDirectory(),
    env: { VAULT_ADDR: vault.address },
    argv: (command, ...more) => ['vault', command, '--role', 'app', '--token-path', jwtPath, ...more],
  }
}

/** A lease that is replaced by another login at 70 to 73 % of these seconds. */
export const replacedAfter = (seconds: number) => ({ lease_duration: seconds, renewable: false })

/** The command lines of all processes, as every user of the machine can read them. */
export async function commandLines(): Promise<string> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const read = (pid: string) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return (await Promise.all(pids.map(read))).join('\n')
}
