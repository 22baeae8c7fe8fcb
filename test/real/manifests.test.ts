/** The manifests of examples/sidecar, judged by Kubernetes' own code and schemas; no cluster. */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Ajv, type AnySchemaObject } from 'ajv'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { buildGo } from './go-binary.js'

const sourceDirectory = fileURLToPath(new URL('./manifests', import.meta.url))
const manifests = fileURLToPath(new URL('../../examples/sidecar/manifests', import.meta.url))
const kustomizations = ['base', 'overlays/plain', 'overlays/vault']

/** See ./manifests/main.go. */
interface Judged {
  kind: string
  name: string
  problems: string[]
  violations?: string[]
  manifest: { spec: PodSpec; data?: Record<string, string> }
  defaulted: { spec: PodSpec }
}
interface PodSpec {
  initContainers?: Container[]
  containers: Container[]
  volumes: { name: string; configMap?: { name: string } }[]
  terminationGracePeriodSeconds: number
}
interface Container {
  name: string
  image: string
  restartPolicy?: string
  startupProbe?: { periodSeconds: number; failureThreshold: number; httpGet: { path: string } }
  volumeMounts: { name: string; mountPath: string }[]
}

let judge: (...directories: string[]) => Promise<Judged[][]>
let schemas: Record<string, AnySchemaObject>

beforeAll(async () => {
  const program = await buildGo({
    name: 'manifests',
    sourceDirectory,
    sources: "Kubernetes' packages",
    commands: (target) => [['build', '-buildvcs=false', '-ldflags=-s -w', '-o', target, '.']],
    env: { CGO_ENABLED: '0' },
  })
  judge = async (...directories) => {
    const { stdout } = await promisify(execFile)(program, directories)
    return (JSON.parse(stdout) as { objects: Judged[] }[]).map(({ objects }) => objects)
  }
  schemas = await readSchemas()
})

describe.each(kustomizations)('manifests/%s', (kustomization) => {
  let objects: Judged[]
  beforeAll(async () => {
    ;[objects = []] = await judge(join(manifests, kustomization))
  })

  it('is built by kubectl’s kustomize, and an API server accepts it', () => {
    const found = objects.map(({ kind, problems }) => ({ kind, problems }))
    expect(found).toEqual([
      { kind: 'ServiceAccount', problems: [] },
      { kind: 'Pod', problems: [] },
      { kind: 'ConfigMap', problems: [] },
    ])
  })

  it('agrees with the published schema to the last field', () => {
    for (const { kind, manifest } of objects) expect(againstSchema(kind, manifest)).toEqual([])
  })

  it('has a pod of the restricted Pod Security Standard', () => {
    expect(podOf(objects).violations).toEqual([])
  })

  it('mounts what it names', () => {
    const { spec } = podOf(objects).manifest
    const volumes = spec.volumes.map(({ name }) => name)
    const containers = [...(spec.initContainers ?? []), ...spec.containers]
    const mounted = containers.flatMap(({ volumeMounts }) => volumeMounts.map(({ name }) => name))
    expect([...new Set(mounted)].sort()).toEqual(volumes.sort())
    const configMaps = objects.filter(({ kind }) => kind === 'ConfigMap').map(({ name }) => name)
    const needed = spec.volumes.flatMap(({ configMap }) => configMap?.name ?? [])
    // The certificate of your Vault's authority is yours.
    expect(needed.filter((name) => name !== 'vault-ca')).toEqual(configMaps)
  })
})

describe('the two ways of a sidecar', () => {
  it('are an init container that goes on, and a container of the same specification', async () => {
    const [native, plain] = await judge(join(manifests, 'base'), join(manifests, 'overlays/plain'))
    const [first] = podOf(native).manifest.spec.initContainers ?? []
    const [second] = podOf(plain).manifest.spec.containers
    expect(podOf(plain).manifest.spec.initContainers).toBeUndefined()
    expect(second).toEqual({ ...first, restartPolicy: undefined, lifecycle: expect.anything() })
    expect(first?.restartPolicy).toBe('Always')
    expect(podOf(native).defaulted.spec.terminationGracePeriodSeconds).toBe(30)
  })
})

describe('the sidecar that logs in to Vault', () => {
  it('is given a day for it before it is restarted', async () => {
    const [objects] = await judge(join(manifests, 'overlays/vault'))
    const [sidecar] = podOf(objects).manifest.spec.initContainers ?? []
    const { periodSeconds = 0, failureThreshold = 0, httpGet } = sidecar?.startupProbe ?? {}
    expect(httpGet?.path).toBe('/readyz')
    expect(periodSeconds * failureThreshold).toBe(86_400)
  })
})

describe('these checks', () => {
  it('see a misspelt field, a wrong value and a privilege', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'manifests-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    await cp(join(manifests, 'base'), directory, { recursive: true })
    const judgeWith = async (from: string, to: string) => {
      const pod = await readFile(join(manifests, 'base/pod.yaml'), 'utf8')
      await writeFile(join(directory, 'pod.yaml'), pod.replace(from, to))
      const [objects] = await judge(directory)
      return podOf(objects)
    }
    const misspelt = await judgeWith('readOnlyRootFilesystem', 'readonlyRootFilesystem')
    expect(misspelt.problems).toEqual([expect.stringMatching(/unknown field.*readonlyRootFilesystem/)])
    expect(againstSchema('Pod', misspelt.manifest)).toEqual([
      expect.stringContaining('must NOT have additional properties'),
    ])
    const wrong = await judgeWith('failureThreshold: 60', 'failureThreshold: -1')
    expect(wrong.problems).toEqual([expect.stringMatching(/startupProbe\.failureThreshold: Invalid value/)])
    const privileged = await judgeWith('allowPrivilegeEscalation: false', 'allowPrivilegeEscalation: true')
    expect(privileged.problems).toEqual([])
    expect(privileged.violations).toEqual([expect.stringContaining('allowPrivilegeEscalation')])
  })
})

function podOf(objects: Judged[] = []): Judged {
  const pod = objects.find(({ kind }) => kind === 'Pod')
  if (!pod) throw new Error('there is no pod')
  return pod
}

function againstSchema(kind: string, manifest: unknown): string[] {
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true })
  const reference = { $ref: `#/components/schemas/io.k8s.api.core.v1.${kind}` }
  const validate = ajv.compile({ components: { schemas }, ...reference })
  validate(manifest)
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

/** From the module that the Go program is built of: the API server's own description of itself. */
async function readSchemas(): Promise<Record<string, AnySchemaObject>> {
  const args = ['list', '-m', '-f', '{{.Dir}}', 'k8s.io/kubernetes']
  const { stdout } = await promisify(execFile)('go', args, { cwd: sourceDirectory })
  const file = join(stdout.trim(), 'api/openapi-spec/v3/api__v1_openapi.json')
  const { components } = JSON.parse(await readFile(file, 'utf8')) as {
    components: { schemas: typeof schemas }
  }
  // The published schemas say nothing of fields that they do not name; an API server warns of them or refuses them.
  for (const schema of Object.values(components.schemas)) {
    if (schema.properties) schema.additionalProperties = false
  }
  return components.schemas
}
