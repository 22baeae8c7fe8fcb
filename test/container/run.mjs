/**
 * `npm run test:container`: the sidecar's image, built and run here, on a base that is made here. The stages are the
 * files beside this one. Needs root on Debian or Ubuntu; elsewhere everything is skipped, with the reason.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { build } from '../check/build.mjs'
import { runStages, StageFailure } from '../check/support/run-stages.mjs'
import { baseImage } from './base-image.mjs'
import { image } from './image.mjs'
import { onLoopback } from './on-loopback.mjs'
import { onSocket } from './on-socket.mjs'
import { openEngine } from './support/engine.mjs'
import { prepareTools } from './tools.mjs'

const stages = [build, baseImage, image, onSocket, onLoopback]

const { values } = parseArgs({
  options: { help: { type: 'boolean', short: 'h' }, keep: { type: 'boolean' } },
})

if (values.help) {
  console.log(`Usage: npm run test:container -- [options]

  --keep   leave the images, and say how to run them
  --help

The base image's files and Node are kept in \${PROJECTED_TOKEN_CACHE:-\${XDG_CACHE_HOME:-~/.cache}/projected-token}.
Everything else is in a temporary directory, and is removed. Needs root, and debootstrap, buildah, podman and runc,
which root gets by apt-get.

Stages:
${stages.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join('\n')}`)
} else {
  const missing = await prepareTools()
  if (missing) console.log(`skipped: ${missing}\n\n0 passed, 0 failed, ${stages.length} skipped`)
  else process.exitCode = (await runWithEngine()) ? 0 : 1
}

async function runWithEngine() {
  const engine = await openEngine()
  let interrupted = false
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      interrupted = true
      // What waits for them fails, and cleans up; no further stage begins.
      endChildren()
      void engine.removeContainers()
    })
  }
  const interruptible = stages.map((stage) => ({
    ...stage,
    async run(context) {
      if (interrupted) throw new StageFailure('interrupted')
      await stage.run(context)
    },
  }))
  try {
    const names = stages.map(({ name }) => name)
    return await runStages(interruptible, names, { engine, updateApi: false })
  } finally {
    if (values.keep) console.log(`\nkept: podman ${engine.storage.join(' ')} images`)
    else await engine.close()
  }
}

/** A signal that was sent to this process alone does not reach the program that it waits for. */
function endChildren() {
  const { pid } = process
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
  for (const child of children) {
    try {
      process.kill(Number(child))
    } catch {
      // It has ended by itself.
    }
  }
}
