import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const program = fileURLToPath(
  new URL('../../../packages/sidecar/bin/projected-token-sidecar.js', import.meta.url),
)

/** A directory for sockets, whose paths must be short; removed when the test ends. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'pt-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export interface Addresses {
  api?: string
  health?: string
}

/**
 * Runs the sidecar as users do, from what `npm run build` made, until the test ends.
 *
 * @param yaml its configuration
 * @returns where it listens, as its log says
 */
export async function startSidecar(yaml: string): Promise<Addresses> {
  const directory = await temporaryDirectory()
  const file = join(directory, 'sidecar.yaml')
  await writeFile(file, yaml)
  const child = spawn(process.execPath, [program, '--config', file], {
    env: withoutOwnVariables(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit')
  onTestFinished(async () => {
    child.kill()
    await exited
  })
  let output = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  for await (const line of createInterface(child.stdout)) {
    output += `${line}\n`
    const { msg, addresses } = JSON.parse(line) as { msg: string; addresses: Addresses }
    if (msg !== 'started') continue
    // Nobody reads the rest; it must not fill the pipe.
    child.stdout.resume()
    return addresses
  }
  throw new Error(`the sidecar did not start:\n${output}`)
}

/** The environment without variables that this sidecar, or a client of it, would follow. */
export function withoutOwnVariables(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env)
  return Object.fromEntries(entries.filter(([name]) => !/^(PROJECTED_TOKEN_|VAULT_|.*_proxy$)/i.test(name)))
}
