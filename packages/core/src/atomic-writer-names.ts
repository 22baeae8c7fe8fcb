/*
 * The names that the kubelet's AtomicWriter uses in a volume (pkg/volume/util/atomic_writer.go). It writes a payload
 * directory, points the link `..data_tmp` at it, and publishes by renaming that link to `..data`.
 */

const PAYLOAD_DIRECTORY = /^\.\.\d{4}_\d{2}_\d{2}_\d{2}_\d{2}_\d{2}\./
/** The link that a kubelet renames into place to publish a version of a volume. */
export const PUBLISHED = '..data'
const UNPUBLISHED = '..data_tmp'

/** Whether this is a directory that one version of the volume's files lies in. */
export function isPayloadDirectory(name: string): boolean {
  return PAYLOAD_DIRECTORY.test(name)
}

/**
 * What a change in a watched directory means for the token.
 *
 * In a kubelet's volume all is meant, but for its preparations and its cleaning up, which would cause a read in vain just
 * when the one that matters is due. In any other directory, which may be a busy one, only the entry that leads to the
 * token, the directory itself (under its own name), and what a system does not name.
 */
export function meaningOfChange(
  name: unknown,
  entry: string,
  own: string,
): 'publication' | 'other' | 'nothing' {
  if (typeof name !== 'string') return 'other'
  if (entry !== PUBLISHED) return name === entry || name === PUBLISHED || name === own ? 'other' : 'nothing'
  if (name === PUBLISHED) return 'publication'
  return name === UNPUBLISHED || isPayloadDirectory(name) ? 'nothing' : 'other'
}
