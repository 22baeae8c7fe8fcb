import path from 'node:path'
import { startProcess } from '../support/process.mjs'

/** @returns { url, process }; nobody waits for it: the API server does */
export function startEtcd({ folder, program, ports: [client, peer] }) {
  const [url, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`]
  const process = startProcess(
    program,
    [
      `--data-dir=${path.join(folder, 'etcd')}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=default=${peerUrl}`,
      // What it holds is gone with the folder.
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
    { log: path.join(folder, 'etcd.log') },
  )
  return { url, process }
}
