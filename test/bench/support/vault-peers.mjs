/** Those that keep a Vault token, each in a process of its own: ours, node-vault, and `vault agent`. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { cachedInstall } from '../../check/support/cached-install.mjs'

const VERSION = '0.12.0'
const LOG_LENGTH = 4_096

/** node-vault, installed into the user's cache. @returns { version, folder }, or { version, reason } */
export async function findNodeVault() {
  const spec = `node-vault@${VERSION}`
  const hash = createHash('sha256').update(spec).digest('hex').slice(0, 12)
  try {
    return { version: VERSION, folder: await cachedInstall(`bench-peers-${hash}`, spec) }
  } catch (error) {
    const lines = error.message.split('\n')
    const reason = lines.find((line) => line.startsWith('npm error')) ?? lines[0]
    return { version: VERSION, reason: `not installed: ${reason.slice(0, 60)}` }
  }
}

/**
 * Starts `vault agent` with kubernetes auto-auth and a token file.
 *
 * @returns { sink, pid, log(), close() }
 */
export async function startAgent({ binary, address, mount, role, file, directory }) {
  const sink = path.join(directory, 'sink')
  const config = path.join(directory, 'agent.hcl')
  const text = JSON.stringify
  await writeFile(
    config,
    `vault {
  address = ${text(address)}
}
auto_auth {
  method {
    type = "kubernetes"
    mount_path = ${text(`auth/${mount}`)}
    config = {
      role = ${text(role)}
      token_path = ${text(file)}
    }
  }
  sink {
    type = "file"
    config = {
      path = ${text(sink)}
    }
  }
}
`,
  )
  const environment = Object.entries(process.env).filter(([name]) => !/^(VAULT|BAO)_/.test(name))
  const child = spawn(binary, ['agent', `-config=${config}`], {
    env: { ...Object.fromEntries(environment), HOME: directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => {
      log = (log + chunk).slice(-LOG_LENGTH)
    })
  }
  const ended = once(child, 'exit')
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  return {
    ...{ sink, pid: child.pid, log: () => log },
    async close() {
      process.off('exit', kill)
      kill()
      await ended
    },
  }
}

/** Bytes, or undefined where the system does not tell. */
export async function residentBytes(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}
