/** `node test/hostile/supply-chain/audit.mjs`: `npm audit` of what our packages install; exits with 1 for what is not argued. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { judgeAudit } from './judge-audit.mjs'

const cwd = fileURLToPath(new URL('../../../', import.meta.url))
// Not with --offline or by preference: without the registry npm reports that all is well.
const args = ['audit', '--omit=dev', '--json', '--no-offline', '--no-prefer-offline', '--audit']
const { stdout } = spawnSync('npm', args, {
  cwd,
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'ignore'],
  maxBuffer: 2 ** 26,
})
const { result, lines } = judgeAudit(stdout ?? '')
console.log(lines.join('\n'))
process.exitCode = result === 'bad' ? 1 : 0
