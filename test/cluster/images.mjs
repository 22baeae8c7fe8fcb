/** Archives of the images: the sidecar's, made as in test/container; the clients' on top of it; a pod's sandbox. */
import { cp, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { root } from '../check/support/workspace.mjs'
import { baseImage } from '../container/base-image.mjs'
import { IMAGE, image } from '../container/image.mjs'
import { PAUSE } from './cluster/container-runtime.mjs'

export const SIDECAR = `${IMAGE}:latest`
export const CLIENTS = 'localhost/projected-token-clients:latest'
const here = (file) => fileURLToPath(new URL(file, import.meta.url))

/** @returns archives that containerd imports, in `engine.folder` */
export async function buildImages({ engine, pause, note }) {
  await baseImage.run({ engine, note })
  await image.run({ engine, note })
  await buildClients(engine)
  await buildPause(engine, pause)
  const names = [SIDECAR, CLIENTS, PAUSE]
  const archives = []
  for (const name of names) {
    const archive = path.join(engine.folder, `${path.basename(name).replace(':', '-')}.tar`)
    await engine.buildah(['push', '--quiet', name, `docker-archive:${archive}:${name}`])
    archives.push(archive)
  }
  return archives
}

async function buildClients(engine) {
  const context = await mkdtemp(path.join(engine.folder, 'clients-'))
  await cp(here('./clients'), path.join(context, 'clients'), { recursive: true })
  await bundleCli(path.join(context, 'cli'))
  await engine.buildah([
    ...['bud', '--quiet', '--file', here('./image/Dockerfile'), '--build-arg', `BASE_IMAGE=${SIDECAR}`],
    ...['--pull-never', '--tag', CLIENTS, context],
  ])
}

/** With all that it imports: the image has the sidecar's dependencies only. */
async function bundleCli(folder) {
  const cli = path.join(root, 'packages/cli')
  await build({
    entryPoints: [path.join(cli, 'dist/index.js')],
    outfile: path.join(folder, 'dist/index.js'),
    ...{ bundle: true, platform: 'node', format: 'esm', logLevel: 'error' },
    banner: {
      js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`,
    },
  })
  await cp(path.join(cli, 'bin'), path.join(folder, 'bin'), { recursive: true })
  await cp(path.join(cli, 'package.json'), path.join(folder, 'package.json'))
}

async function buildPause(engine, pause) {
  const context = path.join(engine.folder, 'pause')
  await mkdir(context)
  await cp(path.join(pause, 'pause'), path.join(context, 'pause'))
  await writeFile(path.join(context, '.dockerignore'), '')
  await engine.buildah([
    ...['bud', '--quiet', '--file', here('./image/pause.Dockerfile'), '--tag', PAUSE, context],
  ])
}
