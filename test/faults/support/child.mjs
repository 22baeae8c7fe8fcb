/** Processes under test. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const CONTROL = new URL('./control.mjs', import.meta.url).href
const COUNTERS = { 'no-watches': 'max_inotify_watches', 'no-instances': 'max_inotify_instances' }

/**
 * Starts a Node program with control.mjs, and an IPC channel.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{ launch?: import('../faults/context.mjs').Launch, env?: Record<string, string> }} [options]
 */
export function startProcess(program, args, { launch, env = {} } = {}) {
  const [command, ...rest] = [...wrapperOf(launch), process.execPath, '--import', CONTROL, program, ...args]
  const own = Object.entries(process.env).filter(([name]) => !/^(?:PROJECTED_TOKEN|VAULT|BAO)_/.test(name))
  const child = spawn(command, rest, {
    env: {
      ...Object.fromEntries(own),
      ...env,
      ...(launch === 'no-inotify' ? { FAULTS_NO_INOTIFY: '1' } : {}),
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const pending = new Map()
  let nextId = 0
  let output = ''
  let ended
  const onOutput = new Set()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => {
      output += chunk
      for (const check of onOutput) check()
    })
  }
  child.on('message', ({ id, result, error }) => {
    const { resolve, reject } = pending.get(id)
    pending.delete(id)
    if (error === undefined) resolve(result)
    else reject(new Error(error))
  })
  const exit = new Promise((resolve) => {
    const end = (reason) => {
      if (ended) return
      ended = new Error(`${program} ${reason}\n${output.slice(-2_000)}`)
      ended.code = 'ENDED'
      for (const { reject } of pending.values()) reject(ended)
      pending.clear()
      for (const check of onOutput) check()
      resolve()
    }
    child.once('error', (error) => end(`did not start: ${error.message}`))
    child.once('exit', (code, signal) => end(`ended with ${signal ?? code}`))
  })
  return {
    pid: child.pid,
    exit,
    output: () => output,
    control(command, ...args) {
      if (ended) return Promise.reject(ended)
      return new Promise((resolve, reject) => {
        pending.set(++nextId, { resolve, reject })
        child.send({ id: nextId, command, args }, (error) => error && reject(error))
      })
    },
    signal: (name) => void child.kill(name),
    /** Waits until `find` gives something for the output so far. */
    toPrint(find) {
      return new Promise((resolve, reject) => {
        const check = () => {
          const found = find(output)
          if (found === undefined && !ended) return
          onOutput.delete(check)
          if (found === undefined) reject(ended)
          else resolve(found)
        }
        onOutput.add(check)
        check()
      })
    },
    async close() {
      if (!ended) {
        child.kill('SIGCONT')
        child.kill('SIGKILL')
      }
      await exit
    },
  }
}

/** The path of one of the project's own programs, built. */
export const programOf = (folder, name) =>
  fileURLToPath(new URL(`../../../packages/${folder}/bin/${name}.js`, import.meta.url))

/** A command that runs the rest of its arguments. */
function wrapperOf(launch) {
  const counter = COUNTERS[launch]
  if (counter) {
    const script = `echo 0 > /proc/sys/user/${counter} && exec "$@"`
    return ['unshare', '--user', '--map-root-user', 'sh', '-c', script, 'sh']
  }
  if (launch === 'other-user' && process.getuid() === 0) {
    return ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']
  }
  return []
}
