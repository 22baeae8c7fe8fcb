import { configurationTarget } from './configuration.js'
import { foreignTokensTarget } from './foreign-tokens.js'
import { inspectTarget } from './inspect.js'
import { sidecarProxyTarget } from './sidecar-proxy.js'
import { sidecarRequestsTarget } from './sidecar-requests.js'
import type { FuzzTarget } from './target.js'
import { claimsTarget, tokenBytesTarget } from './token-bytes.js'
import { tokenFilesTarget } from './token-files.js'
import { vaultAnswersTarget } from './vault-answers.js'

/** All of them, in the order in which they run. */
export const targets: readonly FuzzTarget[] = [
  tokenBytesTarget,
  claimsTarget,
  tokenFilesTarget,
  configurationTarget,
  inspectTarget,
  foreignTokensTarget,
  vaultAnswersTarget,
  sidecarRequestsTarget,
  sidecarProxyTarget,
]
