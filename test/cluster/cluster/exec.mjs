/** `kubectl exec`: runs a program in a container, through API server and kubelet. */
import { WebSocket } from 'ws'
import { StageFailure } from '../../check/support/run-stages.mjs'

/** Of remotecommand, staging/src/k8s.io/apimachinery/pkg/util/remotecommand: the first byte of a message. */
const PROTOCOL = 'v5.channel.k8s.io'
const [STDOUT, STDERR, STATUS] = [1, 2, 3]

/** @returns { exitCode, stdout, stderr } */
export function exec(client, pod, container, command, { signal, onOutput } = {}) {
  const query = new URLSearchParams({ container, stdout: 'true', stderr: 'true' })
  for (const word of command) query.append('command', word)
  const url = `${client.url}/api/v1/namespaces/default/pods/${pod}/exec?${query}`
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace('https', 'wss'), PROTOCOL, {
      ca: client.ca,
      headers: { authorization: `Bearer ${client.token}` },
    })
    const output = { [STDOUT]: '', [STDERR]: '' }
    let exitCode
    socket.on('message', (data) => {
      const [channel, text] = [data[0], data.subarray(1).toString()]
      if (channel in output) {
        output[channel] += text
        onOutput?.(text)
      }
      if (channel === STATUS) exitCode = exitCodeOf(JSON.parse(text))
    })
    signal?.addEventListener('abort', () => socket.terminate())
    socket.on('error', (error) => reject(new StageFailure(`exec in ${pod}: ${error.message}`)))
    socket.on('close', () => resolve({ exitCode, stdout: output[STDOUT], stderr: output[STDERR] }))
  })
}

function exitCodeOf({ status, message, details }) {
  if (status === 'Success') return 0
  const cause = details?.causes?.find(({ reason }) => reason === 'ExitCode')
  return cause ? Number(cause.message) : message
}
