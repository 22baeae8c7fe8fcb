import { basename } from 'node:path'
import { DEFAULT_TOKEN_PATH, type TokenErrorCode } from '@projected-token/core'
import { formatMode } from '../format.js'
import { error, type Judgement } from '../inspect/findings.js'
import type { DirectoryFacts } from '../inspect/inspection.js'
import type { MountedToken } from './find-mounted-tokens.js'
import type { AccessFacts } from './surroundings.js'

/** What is known when there is no token to be had. */
export interface FailureEvidence {
  readonly path: string
  readonly code: TokenErrorCode
  readonly message: string
  /** The operating system's code. */
  readonly cause: string | undefined
  readonly nearby: DirectoryFacts | undefined
  /** Elsewhere in the container. */
  readonly mounted: readonly MountedToken[]
  readonly access: AccessFacts
}

const OWNER_MAY_READ = 0o400
const GROUP_MAY_READ = 0o040

/** Says why there is no token. Pure. */
export function judgeFailure(evidence: FailureEvidence): Judgement {
  const { code, message, cause } = evidence
  if (cause === 'EACCES' || cause === 'EPERM') return judgeAccess(evidence)
  if (code === 'ERR_TOKEN_NOT_FOUND' || code === 'ERR_TOKEN_NOT_A_FILE') return judgeMissing(evidence)
  return error(code, /[.?]$/.test(message) ? message : `${message}.`, remedyForCause(cause))
}

/** Who may read it is not at fault here. */
function remedyForCause(cause: string | undefined): string | undefined {
  if (cause === undefined) return undefined
  if (cause === 'ENOTDIR')
    return "A name on the way is a file: give the path of the token's file as it is mounted. A subPath mount is the file."
  if (cause === 'ELOOP') return 'Links on the way lead in a circle: mend what makes them.'
  return `The system failed to read it (${cause}): look at the file system that it lies on.`
}

function judgeMissing({ path, code, message, nearby, mounted }: FailureEvidence): Judgement {
  const what = code === 'ERR_TOKEN_NOT_FOUND' ? `There is no file '${path}'.` : `${message}.`
  const names = nearby?.tokens.map((token) => basename(token)).join(', ') || 'no token'
  const where = nearby
    ? ` '${nearby.directory}', ${nearby.isVolume ? 'the volume of a kubelet' : 'the nearest directory'}, holds ${names}.`
    : ''
  const [elsewhere] = nearby?.tokens ?? []
  const others = mounted.filter((one) => one.path !== elsewhere)
  if (elsewhere !== undefined) return error(code, what + where, `Give the path '${elsewhere}'.`)
  const list = others.map(describeMounted).join(', ')
  if (list !== '')
    return error(code, `${what}${where} Mounted elsewhere: ${list}.`, 'Give that path, if it is meant.')
  if (path !== DEFAULT_TOKEN_PATH) return error(code, what + where)
  return error(
    code,
    `${what}${where} No token is mounted in this container.`,
    'Is this a pod? Then remove automountServiceAccountToken: false, or mount a projected volume and give its path.',
  )
}

/** `/path (for "vault")` */
export function describeMounted({ path, audience }: MountedToken): string {
  return `${path} (for ${audience.map((one) => JSON.stringify(one)).join(', ') || 'no audience'})`
}

function judgeAccess({ path, code, access }: FailureEvidence): Judgement {
  const { user, inode, closed } = access
  const who = user ? `uid ${user.uid} with the groups ${user.groups.join(', ')}` : 'this user'
  if (closed) {
    const mode = closed.inode ? ` (${describeInode(closed.inode)})` : ''
    return error(
      code,
      `The file '${path}' may not be reached by ${who}: the directory '${closed.directory}'${mode} is closed to it.`,
      'Open the directory to this user (chmod o+x, or its group by fsGroup), or set runAsUser to its owner.',
    )
  }
  const what = inode ? ` It is ${describeInode(inode)}.` : ''
  return error(
    code,
    `The file '${path}' may not be read by ${who}.${what}`,
    inode && remedyFor(inode, access),
  )
}

function describeInode({ mode, uid, gid }: { mode: number; uid: number; gid: number }): string {
  return `mode ${formatMode(mode)}, owner ${uid}, group ${gid}`
}

function remedyFor(
  { mode, uid, gid }: { mode: number; uid: number; gid: number },
  { user }: AccessFacts,
): string | undefined {
  if ((mode & GROUP_MAY_READ) !== 0 && !user?.groups.includes(gid)) {
    return (
      `Give the process the group ${gid}: it is the pod's fsGroup, which a process loses that changes its ` +
      'user by itself (su, setpriv, gosu). Let runAsUser do that instead.'
    )
  }
  if ((mode & OWNER_MAY_READ) !== 0 && user?.uid !== uid) {
    return (
      `Run as uid ${uid} (runAsUser, the same in all containers), or set fsGroup in the pod's securityContext: ` +
      'the kubelet then writes the file with mode 0640 and that group.'
    )
  }
  return undefined
}
