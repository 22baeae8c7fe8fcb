import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { runSidecar } from './support/run-sidecar.mjs'

const program = fileURLToPath(new URL('../../examples/sidecar/clients/token.sh', import.meta.url))
const CONFIG = `
tokens:
  - name: vault-token
    path: /var/run/secrets/tokens/vault-token
    audience: vault
api:
  listen: 127.0.0.1:8180
`

/** A pod's containers share its network, and so does this client. */
export const onLoopback = {
  name: 'loopback',
  about: 'the shell client asks on the loopback address of the container’s network',
  needs: ['image'],
  run: (context) =>
    runSidecar(context, {
      config: (file) => writeFile(file, CONFIG),
      client: ({ inNetwork: [command, ...args] }) => ({
        command,
        args: [...args, 'sh', program, 'v1/token/vault-token'],
        options: { env: { PATH: process.env.PATH, PROJECTED_TOKEN_API: '127.0.0.1:8180' } },
      }),
    }),
}
