import { type Judgement, judgeToken } from '../inspect/findings.js'
import { type Examination, examineToken, type InspectRequest } from '../inspect/inspect-token.js'
import type { CliIo } from '../io.js'
import { sleep } from '../sleep.js'
import type { VaultOptions } from '../vault/vault-options.js'
import { type DoctorFinding, type TokenReport, toFinding } from './diagnosis.js'
import type { MountedToken } from './find-mounted-tokens.js'
import { judgeFailure } from './judge-failure.js'
import { judgeMount, withMount } from './judge-mount.js'
import { judgeClocks, judgeLife } from './judge-times.js'
import { judgeVault, mayLogIn } from './judge-vault.js'
import { judgeWatch } from './judge-watch.js'
import { logInOnce, NOT_ASKED } from './log-in-once.js'
import type { Mount } from './mountinfo.js'
import { probeWatch } from './probe-watch.js'
import { accessFacts, followsVolume, mountFacts } from './surroundings.js'

/** What `doctor` was asked about one token. */
export interface DoctorRequest extends InspectRequest {
  /** How often the program that uses the token reads the file. */
  readonly reloadInterval?: number
  /** Whether a file may be made to try the watch. */
  readonly probe: boolean
  /** Where to log in, with `--vault`. */
  readonly vault: VaultOptions | undefined
}

/** What is known of the container. */
export interface Container {
  readonly mounts: readonly Mount[]
  readonly mounted: readonly MountedToken[]
}

/** A writer that truncates and then writes is done within these, as the library has them. */
const TORN_WRITE_RETRIES_MS = [20, 50, 100] as const

/** Examines one token and everything that its rotation depends on. */
export async function examine(
  request: DoctorRequest,
  { mounts, mounted }: Container,
  io: CliIo,
): Promise<{ report: TokenReport; findings: DoctorFinding[] }> {
  const { path } = request
  const [{ nowMs, signature, found, file: seen }, mount, follows] = await Promise.all([
    examineAtRest(request, io),
    mountFacts(path, mounts),
    followsVolume(path),
  ])
  const file = withMount(seen, mount)
  const judgements: Judgement[] = []
  const token = 'token' in found ? found.token : undefined
  if ('failure' in found) {
    const { code, message, cause } = found.failure
    const evidence = { path, code, message, cause: (cause as NodeJS.ErrnoException | undefined)?.code }
    const access = await accessFacts(path)
    judgements.push(judgeFailure({ ...evidence, nearby: found.nearby, mounted, access }))
  } else {
    judgements.push(
      ...judgeToken({ token: found.token, file, signature, expected: request, nowMs }),
      ...judgeLife(found.token, request.reloadInterval),
      ...judgeClocks(found.token, file),
    )
  }
  judgements.push(...judgeMount(path, file, mount, follows))
  const vault = request.vault && (mayLogIn(judgements) ? await logInOnce(request.vault, io) : NOT_ASKED)
  if (vault) judgements.push(...judgeVault(vault, token))
  const watch = file && (await probeWatch(file.directory, request.probe, io))
  if (watch) judgements.push(...judgeWatch(watch))
  const report = { path, file, token, signature, mount, watch, vault }
  return { report, findings: judgements.map((one) => toFinding(one, path)) }
}

/** An empty or broken file may be in the middle of being written. */
async function examineAtRest(request: InspectRequest, io: CliIo): Promise<Examination> {
  for (const delayMs of TORN_WRITE_RETRIES_MS) {
    const examination = await examineToken(request, io)
    if (!('failure' in examination.found)) return examination
    if (!['ERR_TOKEN_EMPTY', 'ERR_TOKEN_MALFORMED'].includes(examination.found.failure.code))
      return examination
    await sleep(io.clock, delayMs, io.signal)
  }
  return examineToken(request, io)
}
