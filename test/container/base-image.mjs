/** What `node:22-bookworm-slim` is made of: Debian, Node and npm. */
import { access, cp, link, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { cache, cachedInstall, findNode } from '../check/support/cached-install.mjs'
import { run } from '../check/support/commands.mjs'
import { StageFailure } from '../check/support/run-stages.mjs'
import { megabytes } from './support/megabytes.mjs'

export const BASE = 'localhost/projected-token-base'
const SUITE = 'bookworm'
const NODE = '22'
const NPM = '11.19.1'
/** Shared libraries of Node that a minimal Debian lacks; npm's downloads need the certificates. */
const PACKAGES = ['ca-certificates', 'libatomic1', 'libstdc++6']

export const baseImage = {
  name: 'base',
  about: `a base image: Debian ${SUITE} by debootstrap, Node ${NODE}, npm`,
  async run({ note, engine }) {
    const { node, version, reason } = await findNode(NODE)
    if (reason) throw new StageFailure(`no Node ${NODE} for this machine: ${reason}`)
    const npm = await cachedInstall(`npm-${NPM}`, `npm@${NPM}`)
    const context = await mkdtemp(path.join(engine.folder, 'base-'))
    const rootfs = await debian()
    await link(rootfs, path.join(context, 'rootfs.tar')).catch(() =>
      cp(rootfs, path.join(context, 'rootfs.tar')),
    )
    await cp(node, path.join(context, 'node'))
    await cp(path.join(npm, 'node_modules/npm'), path.join(context, 'npm'), { recursive: true })
    await writeFile(
      path.join(context, 'Dockerfile'),
      `FROM scratch
ADD rootfs.tar /
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
`,
    )
    await engine.buildah(['bud', '--quiet', '--tag', BASE, context])
    await rm(context, { recursive: true })
    const size = Number(await engine.podman(['image', 'inspect', '--format', '{{.Size}}', BASE]))
    note(`Node ${version}, ${megabytes(size)}`)
  },
}

/** @returns a tar file, from the cache or made now */
async function debian() {
  const made = path.join(cache, `debian-${SUITE}-${process.arch}.tar`)
  if (
    await access(made).then(
      () => true,
      () => false,
    )
  )
    return made
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(path.join(cache, '.debian-'))
  try {
    const root = path.join(folder, 'root')
    const env = { PATH: `${process.env.PATH}:/usr/sbin:/sbin` }
    await run('debootstrap', ['--variant=minbase', `--include=${PACKAGES}`, SUITE, root], { env })
    // The package lists and the downloaded packages; a container runtime brings its own /dev.
    const left = ['./var/cache/apt/*', './var/lib/apt/lists/*', './var/log/*', './dev/*']
    const tar = path.join(folder, 'debian.tar')
    await run('tar', [
      '--numeric-owner',
      ...left.map((each) => `--exclude=${each}`),
      '-C',
      root,
      '-cf',
      tar,
      '.',
    ])
    await rename(tar, made)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return made
}
