/** Asks for tokens while they rotate. */
import { execFile } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { judgeAnswers } from './judge-answers.mjs'

const ROTATIONS = 60
const ASKERS = 2
/** So that most requests see no rotation and some see one. */
const INTERVAL_MS = 150
/** A watch takes a few milliseconds to report; a machine with more to do than processors, far longer. */
const TOLERANCE_MS = 1_000

/**
 * Rotates 60 times, while two clients at a time ask without a pause.
 *
 * @param client { command, args, options }: prints the current token
 * @returns the judgement, with `rotations`, and the `tokens` themselves
 */
export async function askDuringRotations(kubelet, client) {
  const publications = [{ token: kubelet.current.token, beganAtMs: 0, endedAtMs: 0 }]
  const answers = []
  let asking = true
  async function ask() {
    while (asking) {
      const askedAtMs = performance.now()
      const { stdout } = await promisify(execFile)(client.command, client.args, client.options)
      answers.push({ token: stdout.trim(), askedAtMs, answeredAtMs: performance.now() })
    }
  }
  const askers = Promise.all(Array.from({ length: ASKERS }, ask))
  // Whatever fails first ends the other side.
  const rotating = rotate().finally(() => {
    asking = false
  })
  await Promise.all([rotating, askers])
  const judgement = judgeAnswers(publications, answers, TOLERANCE_MS)
  return { ...judgement, rotations: ROTATIONS, tokens: publications.map(({ token }) => token) }

  async function rotate() {
    for (let rotation = 0; rotation < ROTATIONS; rotation++) {
      const beganAtMs = performance.now()
      const { token } = await kubelet.rotate()
      publications.push({ token, beganAtMs, endedAtMs: performance.now() })
      await delay(INTERVAL_MS)
    }
  }
}
