/** The manifests of examples/sidecar, built as `kubectl apply -k` builds them. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { run } from '../../check/support/commands.mjs'
import { root } from '../../check/support/workspace.mjs'
import { exec } from '../cluster/exec.mjs'
import { CLIENTS, SIDECAR } from '../images.mjs'
import { until } from '../support/process.mjs'
import { observeTokenFile, projectedFile } from './observe-volume.mjs'

const EXAMPLE = path.join(root, 'examples/sidecar')
const ROTATIONS = 8
const PATHS = { ServiceAccount: 'serviceaccounts', ConfigMap: 'configmaps', Pod: 'pods' }
/** What stands in the manifests, and what takes its place. */
const IMAGES = [
  [/^projected-token-sidecar(:|$)/, SIDECAR],
  [/curlimages\/curl/, CLIENTS],
]

/** In the app's container: the shell client asks for a token for each request to the server. */
const APP = `
while :; do
  if token=$(sh -c "$1" token.sh v1/token/vault-token); then
    printf 'header = "Authorization: Bearer %s"\\n' "$token" |
      curl --silent --output /dev/null --header "X-Client: $2" --config - "$3"
  else
    echo failed
  fi
  sleep 0.4
done`

/**
 * @param beside begins when the pod is ready, and returns a function that ends it and gives more measurements
 * @returns measurements, under the name `manifests/${kustomization}`
 */
export async function runManifests(
  kustomization,
  { cluster, server, onNode, kustomizer, interrupted: giveUp },
  beside = () => () => ({}),
) {
  const name = `manifests/${kustomization}`
  const { client, kubeletRoot } = cluster
  const directory = path.join(EXAMPLE, 'manifests', kustomization)
  const [{ objects }] = JSON.parse(await run(kustomizer, [directory]))
  for (const { kind, manifest } of objects) {
    const object = kind === 'Pod' ? adapt(manifest, onNode) : manifest
    await client.must('POST', `/api/v1/namespaces/default/${PATHS[kind]}`, object, [409])
  }
  const { metadata } = await client.get('pods', 'app')
  const file = observeTokenFile(projectedFile(kubeletRoot, metadata.uid, 'vault-token', 'vault-token'))
  await until(async () => isReady(await client.get('pods', 'app')), { what: `${name} is not ready`, giveUp })

  const first = await sidecarStatus()
  const endBeside = beside()
  const ended = new AbortController()
  const shellClient = await readFile(path.join(EXAMPLE, 'clients/token.sh'), 'utf8')
  let failures = 0
  const asking = exec(
    client,
    'app',
    'app',
    ['sh', '-c', APP, 'sh', shellClient, name, `${server.url}/vault`],
    {
      signal: ended.signal,
      onOutput: (text) => {
        failures += text.split('failed').length - 1
      },
    },
  )
  await until(() => file.rotations() >= ROTATIONS, {
    what: `${name}: no rotations`,
    timeoutMs: 300_000,
    giveUp,
  })
  const { status, rotationsSince } = await statusAtRest(file, first)
  const counts = server.countsOf(name)
  const place = await file.place()
  const more = await endBeside()
  ended.abort()
  await asking
  file.close()
  await client.remove('pods', 'app')
  await until(async () => !(await client.exists('pods', 'app')), { what: `${name} does not end`, giveUp })
  return {
    [name]: {
      rotations: file.rotations(),
      'rotations since': rotationsSince,
      mode: place,
      'sdk rotations': status.rotations,
      'sdk sent': counts.requests,
      'sdk refused': counts.refused,
      'sdk stale': counts.stale,
      'sdk withheld': failures,
      state: status.state,
      watch: status.watch.state,
      reasons: Object.keys(counts.reasons).join('; '),
      ...more,
    },
  }
}

/** As applied: only what this cluster lacks, and names of images that are in no registry. */
function adapt({ spec, ...pod }, onNode) {
  const withImages = (containers) =>
    containers?.map((container) => {
      const found = IMAGES.find(([pattern]) => pattern.test(container.image))
      return { ...container, image: found?.[1] ?? container.image, imagePullPolicy: 'Never' }
    })
  const { initContainers, containers } = spec
  return {
    ...pod,
    spec: {
      ...spec,
      ...onNode,
      initContainers: withImages(initContainers),
      containers: withImages(containers),
    },
  }
}

function isReady({ status }) {
  return status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True')
}

/** The sidecar's own word. */
async function sidecarStatus() {
  const { sources } = await (await fetch('http://127.0.0.1:8080/status')).json()
  return sources.find(({ name }) => name === 'vault-token').status
}

/** …when it has caught up with the file, if it does. `first` is what it said when it was ready. */
async function statusAtRest(file, first) {
  for (let attempt = 0; ; attempt++) {
    const status = await sidecarStatus()
    const rotationsSince = first.rotations + file.rotationsSince(first.token.fingerprint)
    if (status.rotations === rotationsSince || attempt === 100) return { status, rotationsSince }
    await delay(100)
  }
}
