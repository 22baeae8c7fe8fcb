/** What importing core adds to the start of a program. */
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { root } from '../check/support/workspace.mjs'
import { atMost, milliseconds } from './support/format.mjs'
import { median, medianDifference, rotate, summary } from './support/statistics.mjs'
import { createJwt } from './support/token.mjs'
import { withVolumes, writeVolume } from './support/volume.mjs'

const GOAL_MS = 20
/** Run in core's folder, so that each name leads to what core would get. */
const PROGRAMS = {
  bare: ['module', ''],
  core: ['module', "import '@projected-token/core'"],
  'jose/jwt/decode': ['module', "import 'jose/jwt/decode'"],
  eventemitter3: ['module', "import 'eventemitter3'"],
  'node:crypto': ['module', "import 'node:crypto'"],
  'first token': [
    'module',
    "import { createTokenWatcher } from '@projected-token/core'; await createTokenWatcher({ path: process.env.TOKEN_FILE }).getToken()",
  ],
  'bare, CommonJS': ['commonjs', ''],
  'core, CommonJS': ['commonjs', "require('@projected-token/core')"],
}

export const startup = {
  name: 'startup',
  about: "start-up: import '@projected-token/core' over bare node",
  async run({ quick, progress }) {
    const rounds = quick ? 5 : 30
    const times = await withVolumes((directory) => {
      writeVolume(directory, createJwt())
      return runPrograms(path.join(directory, 'token'), rounds, progress)
    })
    return report(times, rounds)
  },
}

/** @returns for each program its milliseconds from start to exit */
async function runPrograms(file, rounds, progress) {
  const names = Object.keys(PROGRAMS)
  const times = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = -1; round < rounds; round++) {
    if (round % 10 === 0) progress(`round ${round} of ${rounds}`)
    for (const name of rotate(names, round + 1)) {
      const ms = runProgram(...PROGRAMS[name], file)
      if (round >= 0) times[name].push(ms)
    }
  }
  return times
}

function runProgram(type, text, file) {
  const startedAtMs = performance.now()
  const { status, stderr } = spawnSync(process.execPath, [`--input-type=${type}`, '--eval', text], {
    cwd: path.join(root, 'packages/core'),
    env: { ...process.env, TOKEN_FILE: file },
    encoding: 'utf8',
  })
  const ms = performance.now() - startedAtMs
  if (status !== 0) throw new Error(`${text} exited with ${status}: ${stderr}`)
  return ms
}

function report(times, rounds) {
  const over = (name, base = 'bare') => medianDifference(times[name], times[base])
  const row = (metric, name, base = 'bare') => ({
    metric,
    ours: milliseconds(over(name, base)),
    baseline: `${base === 'bare' ? 'an empty ES module' : 'an empty CommonJS script'} ${milliseconds(median(times[base]))}`,
  })
  const ms = over('core')
  const parts = ['jose/jwt/decode', 'eventemitter3', 'node:crypto'].map(
    (name) => `${name} ${milliseconds(over(name))}`,
  )
  return {
    rows: [
      { ...row('start-up: import core', 'core'), goal: `≤ ${GOAL_MS} ms`, result: atMost(ms, GOAL_MS) },
      row('start-up: require core', 'core, CommonJS', 'bare, CommonJS'),
      row('start-up: import, watch, first token', 'first token'),
    ],
    notes: [
      `startup: medians of the differences of ${rounds} alternated pairs of processes, from start to exit. Each part imported alone: ${parts.join(', ')}. An empty ES module starts in ${milliseconds(over('bare', 'bare, CommonJS'))} more than an empty CommonJS script.`,
    ],
    data: Object.fromEntries(Object.entries(times).map(([name, all]) => [name, { ...summary(all), all }])),
  }
}
