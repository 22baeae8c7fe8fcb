/** One contender in a process of its own, on a volume of its own. */
import { monotonicNs } from '../support/volume.mjs'
import { asked, sleep, watching } from './contenders.mjs'
import { serve } from './serve.mjs'

let expected
let ask

serve({
  async watch({ kind, directory, file }) {
    const served = (token) => {
      const servedAtNs = monotonicNs()
      if (token === expected?.token) expected.resolve(servedAtNs)
    }
    await watching[kind]({ directory, file, served })
  },

  /** @returns when the token was served, or null if it was not in time */
  async served({ token, timeoutMs }) {
    const timeout = sleep(timeoutMs).then(() => null)
    const served = new Promise((resolve) => {
      expected = { token, resolve }
    })
    return Promise.race([served, timeout])
  },

  async prepare({ kind, file, folder }) {
    ask = await asked[kind]({ file, folder })
  },

  /** Reads the old token, so that it is as fresh as it can be when the rotation comes. */
  prime: () => ask().then(() => null),

  /**
   * Asks until the new token comes.
   *
   * @param stepMs by how much the process's Date is set forward after each try; 0 waits for the real clock
   * @returns how stale the old one was then, in milliseconds
   */
  async staleness({ token, swappedAtNs, stepMs }) {
    const setForward = fakeDate()
    let forwardMs = 0
    while (!(await ask()).endsWith(token)) {
      if (stepMs === 0) await sleep(10)
      else {
        forwardMs += stepMs
        setForward(forwardMs)
      }
    }
    return forwardMs + (monotonicNs() - swappedAtNs) / 1e6
  },
})

function fakeDate() {
  const RealDate = Date
  let forwardMs = 0
  globalThis.Date = class extends RealDate {
    constructor(...args) {
      super(...(args.length === 0 ? [RealDate.now() + forwardMs] : args))
    }

    static now() {
      return RealDate.now() + forwardMs
    }
  }
  return (ms) => {
    forwardMs = ms
  }
}
