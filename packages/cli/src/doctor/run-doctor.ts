import { DEFAULT_TOKEN_PATH } from '@projected-token/core'
import { error, type Judgement, warning } from '../inspect/findings.js'
import type { CliIo } from '../io.js'
import {
  bySeverity,
  type DoctorFinding,
  type DoctorReport,
  statusOf,
  type TokenReport,
  toFinding,
} from './diagnosis.js'
import { type DoctorRequest, examine } from './examine-token.js'
import { findMountedTokens, type MountedToken } from './find-mounted-tokens.js'
import { describeMounted } from './judge-failure.js'
import { currentUser, readMounts } from './surroundings.js'

/** One path, or with `pod` all tokens that are mounted in this container. */
export type WholeRequest = DoctorRequest & { readonly pod: boolean }

/** Examines the container and its tokens, one after the other: a watch of one is not to be told of another's. */
export async function runDoctor(request: WholeRequest, io: CliIo): Promise<DoctorReport> {
  const { path, pod } = request
  const mounts = await readMounts()
  const { tokens: mounted, closed, cut } = await findMountedTokens(mounts)
  const tokens: TokenReport[] = []
  const findings: DoctorFinding[] = []
  // A file that may not be read may be a Secret's, which is meant for somebody else: where there is no token it is
  // examined as one, and beside a token it is named.
  const candidates = mounted.length > 0 ? mounted.map((token) => token.path) : closed
  for (const one of pod ? candidates : [path]) {
    if (io.signal.aborted) break
    const examined = await examine({ ...request, path: one }, { mounts, mounted }, io)
    tokens.push(examined.report)
    findings.push(...examined.findings)
  }
  const general = judgeContainer(mounted, {
    pod,
    isDefault: path === DEFAULT_TOKEN_PATH,
    closed,
    cut,
    mountsAreKnown: mounts.length > 0,
  })
  findings.push(...[...general].map((one) => toFinding(one, undefined)))
  return {
    status: statusOf(findings),
    examinedAtMs: io.clock.now(),
    user: currentUser(),
    tokens,
    findings: bySeverity(findings),
  }
}

/** Judges which tokens there are. Pure. */
export function* judgeContainer(
  mounted: readonly MountedToken[],
  {
    pod,
    isDefault,
    closed = [],
    cut = [],
    mountsAreKnown = true,
  }: {
    pod: boolean
    isDefault: boolean
    closed?: readonly string[]
    cut?: readonly string[]
    mountsAreKnown?: boolean
  },
): Generator<Judgement> {
  if (pod && !mountsAreKnown) {
    yield error(
      'NO_TOKEN_MOUNTED',
      'What is mounted here is not known: /proc/self/mountinfo could not be read.',
      "Give the path of the token's file instead of --pod.",
    )
  } else if (pod && mounted.length === 0 && closed.length === 0) {
    yield error(
      'NO_TOKEN_MOUNTED',
      'No volume and no file that is mounted here holds a service account token.',
    )
  }
  if (pod && mounted.length > 0 && closed.length > 0) {
    yield warning(
      'CLOSED_FILES',
      `This process may not read what is mounted as ${closed.join(', ')}: it may be a token.`,
    )
  }
  if (pod && cut.length > 0) {
    yield warning(
      'NOT_ALL_SEARCHED',
      `Not all files were looked at in ${cut.join(', ')}: there are too many.`,
    )
  }
  if (mounted.length < 2 || !(pod || isDefault)) return
  const list = mounted.map(describeMounted).join(', ')
  const taken = mounted.some(({ path }) => path === DEFAULT_TOKEN_PATH)
    ? `The default takes ${DEFAULT_TOKEN_PATH}.`
    : `None of them lies at the default path, ${DEFAULT_TOKEN_PATH}.`
  yield warning('SEVERAL_TOKENS', `There are ${mounted.length} tokens: ${list}. ${taken}`)
}
