/** A process that serves, and what it costs: processor and memory by Linux' /proc. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { temporaryFolder } from '../../check/support/temporary.mjs'
import { root } from '../../check/support/workspace.mjs'

const TICKS_A_SECOND = 100

/**
 * @param settings of the sidecar's configuration; what is not named there listens nowhere
 * @param find gets the addresses that the sidecar logs, and gives the one of interest
 */
export async function startSidecar(settings, find, execArgv = []) {
  const config = path.join(await newFolder('sidecar'), 'config.json') // JSON is YAML
  await writeFile(config, JSON.stringify({ api: { listen: 'off' }, health: { listen: 'off' }, ...settings }))
  const bin = path.join(root, 'packages/sidecar/bin/projected-token-sidecar.js')
  const args = [...execArgv, bin, '--config', config]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const origin = await new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`The sidecar ended with ${code}`)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { addresses } = JSON.parse(line)
      if (addresses !== undefined) resolve(`http://${find(addresses)}`)
    })
  })
  return describeServer('sidecar', origin, child, () => [child.pid])
}

export function describeServer(name, origin, child, pids) {
  const readAll = (file) => pids().map((pid) => readFileSync(`/proc/${pid}/${file}`, 'utf8'))
  return {
    name,
    origin,
    /** Of the processor, so far; `undefined` without /proc. */
    cpuSeconds() {
      if (!existsSync('/proc/self/stat')) return undefined
      const ticks = readAll('stat').map((stat) => {
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        return Number(fields[11]) + Number(fields[12])
      })
      return ticks.reduce((total, each) => total + each, 0) / TICKS_A_SECOND
    },
    /** Resident bytes; `undefined` without /proc. */
    residentBytes() {
      if (!existsSync('/proc/self/stat')) return undefined
      const kilobytes = readAll('status').map((status) => Number(/VmRSS:\s+(\d+)/.exec(status)[1]))
      return kilobytes.reduce((total, each) => total + each, 0) * 1024
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.removeAllListeners('exit')
      child.kill('SIGTERM')
      const kill = setTimeout(() => child.kill('SIGKILL'), 3_000)
      await once(child, 'exit')
      clearTimeout(kill)
    },
  }
}

export async function newFolder(name) {
  const folder = await temporaryFolder(name)
  await mkdir(folder, { recursive: true })
  return folder
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}
