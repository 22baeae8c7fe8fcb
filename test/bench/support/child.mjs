/** Measurements run in processes of their own, which answer calls. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/**
 * Starts test/bench/children/`file`.
 *
 * @returns call(method, params), which resolves with what the child's method returns; and close()
 */
export function startChild(file, { args = [], execArgv = [], env = {}, execPath } = {}) {
  const path = fileURLToPath(new URL(`../children/${file}`, import.meta.url))
  const child = fork(path, args, {
    execArgv,
    execPath,
    env: { ...process.env, ...env },
    stdio: ['ignore', 2, 2, 'ipc'], // standard output is for the table
  })
  const pending = new Map()
  let nextId = 0
  let ended
  child.on('message', ({ id, result, error }) => {
    const { resolve, reject } = pending.get(id)
    pending.delete(id)
    if (error === undefined) resolve(result)
    else reject(new Error(`${file}: ${error}`))
  })
  const exited = new Promise((resolve) => {
    const end = (reason) => {
      ended = new Error(`${file} ${reason}`)
      for (const { reject } of pending.values()) reject(ended)
      pending.clear()
      resolve()
    }
    child.on('error', (error) => end(`did not start: ${error.message}`))
    child.on('exit', (code, signal) => end(`ended with ${signal ?? code}`))
  })
  return {
    call(method, params = {}) {
      if (ended) return Promise.reject(ended)
      return new Promise((resolve, reject) => {
        pending.set(++nextId, { resolve, reject })
        child.send({ id: nextId, method, params })
      })
    },
    async close() {
      if (ended) return
      if (child.connected) child.disconnect() // the child then ends by itself
      const kill = setTimeout(() => child.kill('SIGKILL'), 3_000)
      await exited
      clearTimeout(kill)
    },
  }
}

/** Starts children, uses them, and ends them whatever happens. */
export async function withChildren(starts, use) {
  const children = starts.map((start) => start())
  try {
    return await use(...children)
  } finally {
    await Promise.all(children.map((child) => child.close()))
  }
}
