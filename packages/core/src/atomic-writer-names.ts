/*
 * The names that the kubelet's AtomicWriter uses in a volume (pkg/volume/util/atomic_writer.go). It writes a payload
 * directory, points a link at it under a temporary name, and publishes by renaming that link to `..data`.
 */

const PAYLOAD_DIRECTORY = /^\.\.\d{4}_\d{2}_\d{2}_\d{2}_\d{2}_\d{2}\./
const PUBLISHED = '..data'
const UNPUBLISHED = '..data_tmp'

/** Whether this is a directory that one version of the volume's files lies in. */
export function isPayloadDirectory(name: string): boolean {
  return PAYLOAD_DIRECTORY.test(name)
}

/** Whether a change of this name publishes new content, prepares or cleans up after one that does, or is something else. */
export function meaningOfChange(name: unknown): 'publication' | 'preparation' | 'other' {
  if (name === PUBLISHED) return 'publication'
  return typeof name === 'string' && (name === UNPUBLISHED || isPayloadDirectory(name))
    ? 'preparation'
    : 'other'
}
