/** The image of examples/sidecar/Dockerfile: what it says of itself, what is in it, and how much that is. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { npm } from '../check/support/commands.mjs'
import { StageFailure } from '../check/support/run-stages.mjs'
import { root } from '../check/support/workspace.mjs'
import { BASE } from './base-image.mjs'
import { megabytes } from './support/megabytes.mjs'

export const IMAGE = 'localhost/projected-token-sidecar'
const DOCKERFILE = 'examples/sidecar/Dockerfile'
/** They only build or test, or are other programs. */
const FOREIGN = [
  'typescript',
  'vitest',
  'tsup',
  'esbuild',
  'turbo',
  '@projected-token/testing',
  'projected-token',
]

export const image = {
  name: 'image',
  about: `${DOCKERFILE}: non-root, production dependencies only`,
  needs: ['build', 'base'],
  async run({ note, engine }) {
    await buildImage(engine)
    const inspect = async (name) => JSON.parse(await engine.podman(['image', 'inspect', name]))[0]
    const [base, built] = [await inspect(BASE), await inspect(IMAGE)]
    const { User, Env, Entrypoint, Labels } = built.Config
    expect(User === '65532:65532', `runs as ${User || 'root'}, not as 65532:65532`)
    expect(Env.includes('NODE_ENV=production'), 'NODE_ENV is not production')
    expect(Entrypoint[0] === 'node', `its entry point is ${Entrypoint}: a shell would swallow SIGTERM`)
    const labels = ['title', 'description', 'licenses', 'version'].map(
      (name) => `org.opencontainers.image.${name}`,
    )
    const missing = labels.filter((label) => !Labels[label])
    expect(missing.length === 0, `has no label ${missing}`)
    const packages = await modulesOf(engine)
    const foreign = packages.filter((name) => FOREIGN.includes(name) || name.startsWith('@types/'))
    expect(foreign.length === 0, `holds ${foreign}`)
    note(
      `${megabytes(built.Size - base.Size)} and ${packages.length} packages over a base of ${megabytes(base.Size)}`,
    )
  },
}

async function buildImage({ folder, buildah }) {
  const configuration = await mkdtemp(path.join(folder, 'npm-'))
  const npmrc = path.join(configuration, 'npmrc')
  // The machine's registry, and the authority that vouches for it, are not the image's business: they come as a
  // secret and a volume of the build.
  const registry = (await npm(['config', 'get', 'registry'])).trim()
  const authority = process.env.NODE_EXTRA_CA_CERTS
  const hasAuthority = authority !== undefined && existsSync(authority)
  await writeFile(npmrc, `registry=${registry}\n${hasAuthority ? 'cafile=/mnt/authority.pem\n' : ''}`)
  await buildah([
    'bud',
    '--quiet',
    ...['--file', path.join(root, DOCKERFILE)],
    ...['--ignorefile', path.join(root, `${DOCKERFILE}.dockerignore`)],
    ...['--build-arg', `BASE_IMAGE=${BASE}`, '--build-arg', `BUILD_IMAGE=${BASE}`],
    ...['--secret', `id=npmrc,src=${npmrc}`],
    ...(hasAuthority ? ['--volume', `${authority}:/mnt/authority.pem:ro`] : []),
    ...['--tag', IMAGE],
    root,
  ])
  await rm(configuration, { recursive: true })
}

/** The packages in the image, by npm's own list of what it installed. */
async function modulesOf({ buildah }) {
  const container = (await buildah(['from', '--pull-never', IMAGE])).trim()
  const list = await buildah(['run', container, '--', 'cat', '/app/node_modules/.package-lock.json'])
  await buildah(['rm', container])
  const { packages } = JSON.parse(list)
  return Object.keys(packages).map((location) => location.replace(/^.*node_modules\//, ''))
}

function expect(condition, problem) {
  if (!condition) throw new StageFailure(`the image ${problem}`)
}
