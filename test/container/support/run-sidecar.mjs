/** The pod of examples/sidecar without a cluster: the kubelet's volume, the sidecar's container, and a client. */
import { chmod, chown, cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startFakeKubelet } from '@projected-token/testing'
import { StageFailure } from '../../check/support/run-stages.mjs'
import { GROUP, startContainer } from './container.mjs'
import { askDuringRotations } from './during-rotations.mjs'
import { megabytes } from './megabytes.mjs'

/** Garbage of the start is collected by then, or never. */
const REST_MS = 5_000

/**
 * @param config writes sidecar.yaml into a directory
 * @param client makes { command, args, options } of the container and the socket's directory
 */
export async function runSidecar({ engine, note }, { config, client }) {
  const folder = await mkdtemp(path.join(engine.folder, 'pod-'))
  await chmod(folder, 0o755)
  const directory = (name) => path.join(folder, name)
  await mkdir(directory('config'))
  await config(path.join(directory('config'), 'sidecar.yaml'))
  // An emptyDir under fsGroup: the group's, and what is made in it is the group's too.
  await mkdir(directory('api'))
  await chown(directory('api'), 0, GROUP)
  await chmod(directory('api'), 0o2770)
  const kubelet = await startFakeKubelet({
    ...{
      directory: directory('tokens'),
      fileName: 'vault-token',
      audience: 'vault',
      expirationSeconds: 7_200,
    },
    ...{ gid: GROUP, autoRotate: false },
  })
  const volumes = [
    { from: directory('tokens'), to: '/var/run/secrets/tokens', readOnly: true },
    { from: directory('api'), to: '/run/projected-token' },
    { from: directory('config'), to: '/etc/projected-token', readOnly: true },
  ]
  const args = ['--config', '/etc/projected-token/sidecar.yaml']
  const container = await startContainer(engine, { volumes, args }).catch(async (error) => {
    await kubelet.close()
    throw error
  })
  try {
    await container.ready()
    await checkPrivileges(container)
    await delay(REST_MS)
    note(`at rest ${describeMemory(await container.status())}`)
    const { tokens, ...judgement } = await askDuringRotations(kubelet, client(container, directory('api')))
    note(describe(judgement))
    note(`after that ${describeMemory(await container.status())}`)
    if (judgement.stale + judgement.unknown > 0) throw new StageFailure('there were stale answers')
    if (judgement.current === 0) throw new StageFailure('there was no answer')
    const { exitCode, seconds } = await container.stop()
    if (exitCode !== 0) throw new StageFailure(`after SIGTERM it exited with ${exitCode}`)
    note(`exited with 0, ${seconds.toFixed(1)} s after SIGTERM`)
    const logs = await container.logs()
    if (tokens.some((token) => logs.includes(token))) throw new StageFailure('its log holds a token')
  } catch (error) {
    console.log((await container.logs()).replaceAll(/^/gm, '   | '))
    throw error
  } finally {
    await container.remove()
    await kubelet.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Copies the configuration of the manifests. */
export function manifestConfig(to) {
  return cp(new URL('../../../examples/sidecar/manifests/base/sidecar.yaml', import.meta.url), to)
}

/** That the container is as restricted as it was meant to be, by the kernel's word. */
async function checkPrivileges(container) {
  const { Uid, CapEff, CapBnd, NoNewPrivs, Seccomp } = await container.status()
  const problems = [
    [Uid.split('\t').some((uid) => uid !== '65532'), `its users are ${Uid}`],
    [[CapEff, CapBnd].some((set) => /[^0]/.test(set)), `its capabilities are ${CapEff} of ${CapBnd}`],
    [NoNewPrivs !== '1', 'it may gain privileges'],
    [Seccomp !== '2', 'no seccomp profile filters its calls'],
    [!(await container.isRootReadOnly()), 'its root is writable'],
  ]
  const found = problems.filter(([is]) => is).map(([, problem]) => problem)
  if (found.length > 0) throw new StageFailure(found.join('\n'))
}

function describe({ answers, rotations, stale, lagging, unknown, longestLagMs }) {
  const lag = lagging > 0 ? `; ${lagging} up to ${longestLagMs.toFixed(0)} ms behind the file` : ''
  return `${answers} answers during ${rotations} rotations, ${stale + unknown} of them stale${lag}`
}

/** Most of what is shared is the program file of Node. */
function describeMemory({ VmRSS, RssAnon }) {
  const kilobytes = (text) => megabytes(Number.parseInt(text, 10) * 1_024)
  return `${kilobytes(VmRSS)} resident, ${kilobytes(RssAnon)} of it not shared`
}
