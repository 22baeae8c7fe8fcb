import { fileURLToPath } from 'node:url'
import { GROUP } from './support/container.mjs'
import { manifestConfig, runSidecar } from './support/run-sidecar.mjs'

const program = fileURLToPath(new URL('../../examples/sidecar/clients/token.sh', import.meta.url))

/** As in the manifests: another user asks, who has the group alone. */
export const onSocket = {
  name: 'socket',
  about: 'the manifests’ configuration; the shell client asks on the Unix socket while tokens rotate',
  needs: ['image'],
  run: (context) =>
    runSidecar(context, {
      config: manifestConfig,
      client: (_, directory) => ({
        command: 'sh',
        args: [program, 'v1/token/vault-token'],
        options: {
          ...{ uid: 10_001, gid: GROUP, cwd: '/' },
          env: { PATH: process.env.PATH, PROJECTED_TOKEN_API: `unix://${directory}/api.sock` },
        },
      }),
    }),
}
