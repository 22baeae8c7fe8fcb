/** Folders outside the workspace, so that nothing of it is found by accident. */
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

const folders = []

export async function temporaryFolder(name) {
  const folder = await mkdtemp(path.join(await realpath(tmpdir()), `projected-token-${name}-`))
  folders.push(folder)
  return folder
}

export async function removeTemporaryFolders() {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
}
