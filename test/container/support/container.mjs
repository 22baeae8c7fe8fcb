/** One container of the image, as restricted as a pod's can be. */

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { start } from '../../check/support/commands.mjs'
import { StageFailure } from '../../check/support/run-stages.mjs'
import { IMAGE } from '../image.mjs'

/** `fsGroup` of the pod: token and socket belong to it. */
export const GROUP = 65_532
/** A pod's terminationGracePeriodSeconds, by default. */
const GRACE_MS = 30_000
const READY_TIMEOUT_MS = 60_000

const RESTRICTIONS = [
  ...['--read-only', '--read-only-tmpfs=false', '--network', 'none'],
  ...['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
  ...['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1000:1000', '--pids-limit', '64'],
  // The limit in examples/sidecar/manifests/base/pod.yaml; a swap would hide that it is too small.
  ...['--memory', '128m', '--memory-swap', '128m'],
]

/**
 * @param volumes [{ from, to, readOnly }]
 * @returns a running container; whoever starts it ends it with stop() or remove()
 */
export async function startContainer(engine, { volumes, args }) {
  const mounts = volumes.map(({ from, to, readOnly }) => `--volume=${from}:${to}${readOnly ? ':ro' : ''}`)
  const user = ['--user', `65532:${GROUP}`]
  const id = (
    await engine.podman(['run', '--detach', ...RESTRICTIONS, ...user, ...mounts, IMAGE, ...args])
  ).trim()
  const logs = async () => {
    const { stdout, stderr } = await engine.tryPodman(['logs', id])
    return stdout + stderr
  }
  const pid = (await engine.podman(['inspect', '--format', '{{.State.Pid}}', id])).trim()
  const inNetwork = ['nsenter', '--target', pid, '--net', '--']
  return {
    /** Begins a command line that runs in the container's network and nowhere else in it. */
    inNetwork,
    logs,
    /** Waits until the readiness probe succeeds. */
    async ready() {
      const probe = ['curl', '--fail', '--silent', '--max-time', '5', 'http://127.0.0.1:8080/readyz']
      const [command, ...rest] = [...inNetwork, ...probe]
      for (const endMs = performance.now() + READY_TIMEOUT_MS; performance.now() < endMs; await delay(100)) {
        const { code, stdout } = await start(command, rest)
        if (code === 0) return stdout
        if (!existsSync(`/proc/${pid}`)) throw new StageFailure(`it ended by itself\n${await logs()}`)
      }
      throw new StageFailure(`no readiness within ${READY_TIMEOUT_MS / 1000} s\n${await logs()}`)
    },
    /** What the kernel says of the process: its user, capabilities, memory. */
    status: async () => parseStatus(await readFile(`/proc/${pid}/status`, 'utf8')),
    isRootReadOnly: async () => {
      const mounts = (await readFile(`/proc/${pid}/mountinfo`, 'utf8'))
        .split('\n')
        .map((line) => line.split(' '))
      return mounts
        .find((fields) => fields[4] === '/')[5]
        .split(',')
        .includes('ro')
    },
    /** SIGTERM, as a kubelet ends a container. @returns { exitCode, seconds } */
    async stop() {
      const startedAtMs = performance.now()
      await engine.podman(['kill', '--signal', 'TERM', id])
      const ended = new AbortController()
      const exitCode = await Promise.race([
        engine.podman(['wait', id]).then(Number),
        delay(GRACE_MS, 'nothing within the grace period', { signal: ended.signal }),
      ])
      ended.abort()
      return { exitCode, seconds: (performance.now() - startedAtMs) / 1000 }
    },
    remove: () => engine.tryPodman(['rm', '--force', '--time', '0', id]),
  }
}

function parseStatus(text) {
  return Object.fromEntries(text.split('\n').map((line) => line.split(/:\s+/)))
}
