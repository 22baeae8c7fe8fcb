import type { ObjectReference, ParsedToken, TokenFile, TokenFilePlace } from '@projected-token/core'
import { formatMode } from '../format.js'

/** What speaks against a token (`error`: do not use it), or should be known about it (`warning`). */
export interface Finding {
  readonly severity: 'error' | 'warning'
  /** Stable: scripts may compare it. */
  readonly code: string
  readonly message: string
}

/** The file, and how it got there. */
export interface FileFacts {
  readonly layout: TokenFilePlace['layout']
  /** The directory to watch: the volume, for a projection. */
  readonly directory: string
  /** Permission bits in octal: `"0640"`. */
  readonly mode: string
  readonly uid: number
  readonly gid: number
  readonly sizeBytes: number
  readonly modifiedAtMs: number
}

/** What the token says of itself. Unverified, but for what {@link SignatureFacts} says. */
export interface TokenFacts {
  readonly kind: ParsedToken['kind']
  readonly fingerprint: string
  readonly algorithm: string | undefined
  readonly keyId: string | undefined
  readonly id: string | undefined
  readonly issuer: string | undefined
  readonly subject: string | undefined
  readonly audience: readonly string[]
  readonly namespace: string | undefined
  readonly serviceAccount: ObjectReference | undefined
  readonly pod: ObjectReference | undefined
  readonly node: ObjectReference | undefined
  readonly issuedAtMs: number | undefined
  readonly notBeforeMs: number | undefined
  readonly expiresAtMs: number | undefined
  readonly warnAfterMs: number | undefined
  readonly rotationDueAtMs: number | undefined
  readonly overdueAtMs: number | undefined
  readonly expired: boolean
  readonly overdue: boolean
}

/** Whether a key of the issuer signed the token. */
export interface SignatureFacts {
  /** `unchecked`: nobody asked; `unknown`: the keys, or the token's header, do not allow an answer. */
  readonly state: 'valid' | 'invalid' | 'unknown' | 'unchecked'
  /** Of the key that verified it. */
  readonly keyId: string | undefined
  /** Where the keys came from. */
  readonly source: string | undefined
  /** Why it is not valid. */
  readonly reason: string | undefined
}

/** What `inspect --json` prints. */
export interface Inspection {
  readonly ok: boolean
  readonly path: string
  readonly inspectedAtMs: number
  readonly file: FileFacts | undefined
  readonly token: TokenFacts | undefined
  readonly signature: SignatureFacts
  readonly findings: readonly Finding[]
  /** Where else a token may be, when there is none at the path. */
  readonly nearby: DirectoryFacts | undefined
}

/** A directory that was given instead of a file, or in which the file should be. */
export interface DirectoryFacts {
  readonly directory: string
  /** Whether a kubelet writes it: it has a `..data` link. */
  readonly isVolume: boolean
  /** Paths of the files in it that hold a JWT. */
  readonly tokens: readonly string[]
}

/** The file's facts; without a place (it vanished meanwhile) there are none. */
export function fileFacts(file: TokenFile, place: TokenFilePlace | undefined): FileFacts | undefined {
  return (
    place && {
      layout: place.layout,
      directory: place.directory,
      mode: formatMode(file.mode),
      uid: file.uid,
      gid: file.gid,
      sizeBytes: file.content.byteLength,
      modifiedAtMs: file.modifiedAtMs,
    }
  )
}
