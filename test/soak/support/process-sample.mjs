/** What a process holds, by Linux' /proc: read from outside, so that it costs the process nothing. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** @returns { rssBytes, files, inotifyWatches }, or `undefined` when there is no such process, or no /proc */
export function sampleProcess(pid) {
  const folder = `/proc/${pid}`
  try {
    const rssBytes = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`${folder}/status`, 'utf8'))[1]) * 1024
    const files = readdirSync(`${folder}/fd`)
    let inotifyWatches = 0
    for (const file of files) {
      if (linkOf(`${folder}/fd/${file}`) !== 'anon_inode:inotify') continue
      inotifyWatches += (readFileSync(`${folder}/fdinfo/${file}`, 'utf8').match(/^inotify wd/gm) ?? []).length
    }
    return { rssBytes, files: files.length, inotifyWatches }
  } catch {
    return undefined
  }
}

/** A descriptor may be closed between the listing and the look. */
function linkOf(file) {
  try {
    return readlinkSync(file)
  } catch {
    return undefined
  }
}
