import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { run, start } from '../../check/support/commands.mjs'
import { startProcess, until } from '../support/process.mjs'

export const PAUSE = 'localhost/pause:1'

const configure = (folder, programs) => `version = 3
root = '${folder}/containerd/root'
state = '${folder}/containerd/state'
imports = []
[grpc]
address = '${folder}/containerd.sock'
[ttrpc]
address = '${folder}/containerd.sock.ttrpc'
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = '${PAUSE}'
[plugins.'io.containerd.cri.v1.runtime']
restrict_oom_score_adj = true
disable_hugetlb_controller = true
disable_apparmor = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ['${folder}/cni/bin']
conf_dir = '${folder}/cni/conf'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'
runtime_path = '${programs}/containerd-shim-runc-v2'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = false
[plugins.'io.containerd.nri.v1.nri']
disable = true
[plugins.'io.containerd.internal.v1.opt']
path = '${folder}/containerd/opt'
`

/** containerd with state and socket of its own. @returns { endpoint, import(), process } */
export async function startContainerRuntime({ folder, programs }) {
  await mkdir(path.join(folder, 'containerd'), { recursive: true })
  const config = path.join(folder, 'containerd.toml')
  await writeFile(config, configure(folder, programs))
  const socket = path.join(folder, 'containerd.sock')
  // runc is root's program, and sbin is not on everybody's PATH.
  const env = { PATH: `${process.env.PATH}:/usr/sbin:/sbin` }
  const log = path.join(folder, 'containerd.log')
  const server = startProcess(path.join(programs, 'containerd'), ['--config', config], { log, env })
  const ctr = [path.join(programs, 'ctr'), ['--address', socket, '--namespace', 'k8s.io']]
  try {
    await until(async () => (await start(ctr[0], [...ctr[1], 'version'])).code === 0, {
      what: 'containerd is not ready',
      giveUp: () => server.hasEnded() && `it has ended\n${server.tail()}`,
    })
  } catch (error) {
    await server.stop()
    throw error
  }
  return {
    endpoint: `unix://${socket}`,
    process: server,
    /** Takes a docker archive. */
    import: (archive) => run(ctr[0], [...ctr[1], 'images', 'import', archive]),
  }
}
