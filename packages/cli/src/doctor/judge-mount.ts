import { type Judgement, warning } from '../inspect/findings.js'
import type { FileFacts } from '../inspect/inspection.js'
import type { MountFacts } from './surroundings.js'

/** The file's facts by the kernel's word: a mount from the same file system is one too, and shows in no inode. Pure. */
export function withMount(file: FileFacts | undefined, mount: MountFacts | undefined): FileFacts | undefined {
  if (!file || !mount?.isPinned || file.layout === 'projection') return file
  return { ...file, layout: 'mounted-file' }
}

/** Judges how the token's file gets its updates. Pure. */
export function* judgeMount(
  path: string,
  file: FileFacts | undefined,
  mount: MountFacts | undefined,
  follows: boolean,
): Generator<Judgement> {
  if (file?.layout === 'projection' && !follows) {
    yield warning(
      'NEVER_UPDATED',
      `'${path}' leads past the link '..data' into one version of the volume, which the next rotation removes.`,
      "Give the path of the file as it is mounted, or make a link to that: 'readlink -f' names one version.",
    )
  }
  if (file?.layout === 'plain') {
    const on = mount ? ` on ${mount.fsType}` : ''
    yield warning(
      'NOT_PROJECTED',
      `'${path}' is a plain file${on}, not a link into a volume that a kubelet updates.`,
    )
  }
  if (mount?.isRemoved && file?.layout === 'mounted-file') {
    yield warning(
      'REPLACED_MEANWHILE',
      'What is mounted here has been removed at its origin: its volume holds another token by now.',
    )
  }
}
