/** Processes of their own, which answer calls and may post messages. Both ends. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { serve as answerCalls } from '../../bench/children/serve.mjs'

/**
 * Starts test/soak/children/`file`.
 *
 * @param options.openFiles the process' limit, so that a fault can reach it
 * @param options.onPost gets what the child posts without being asked
 * @returns call(method, params), which resolves with what the child's method returns; pid; close()
 */
export function startChild(file, { args = [], execArgv = [], openFiles, onPost = () => {} } = {}) {
  const path = fileURLToPath(new URL(`../children/${file}`, import.meta.url))
  const program = [process.execPath, ...execArgv, path, ...args]
  const [command, ...rest] = openFiles
    ? ['/bin/sh', '-c', `ulimit -n ${openFiles} && exec "$0" "$@"`, ...program]
    : program
  // Standard output is for the table.
  const child = spawn(command, rest, { stdio: ['ignore', 2, 2, 'ipc'] })
  const pending = new Map()
  let nextId = 0
  let ended
  const end = (reason) => {
    ended ??= new Error(`${file} ${reason}`)
    for (const { reject } of pending.values()) reject(ended)
    pending.clear()
  }
  child.on('error', (error) => end(`did not start: ${error.message}`))
  child.on('exit', (code, signal) => end(`ended with ${signal ?? code}`))
  child.on('message', ({ id, result, error, post }) => {
    if (id === undefined) return onPost(post)
    const { resolve, reject } = pending.get(id)
    pending.delete(id)
    if (error === undefined) resolve(result)
    else reject(new Error(`${file}: ${error}`))
  })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  return {
    pid: child.pid,
    /** Why it ended, if it did. */
    get ended() {
      return ended
    },
    call(method, params = {}) {
      if (ended) return Promise.reject(ended)
      return new Promise((resolve, reject) => {
        const id = nextId++
        pending.set(id, { resolve, reject })
        child.send({ id, method, params }, (error) => error && end(`cannot be reached: ${error.message}`))
      })
    },
    async close() {
      process.off('exit', kill)
      if (child.exitCode !== null || child.signalCode !== null) return
      kill()
      await once(child, 'exit')
    },
  }
}

/** The child's end: answers calls, and ends with its parent. @returns a function that posts a message */
export function serve(methods) {
  answerCalls(methods)
  return (post) => {
    if (process.connected) process.send({ post })
  }
}
