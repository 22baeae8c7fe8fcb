/** Counts the system calls of a loop, by strace. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { start } from '../../check/support/commands.mjs'
import { temporaryFolder } from '../../check/support/temporary.mjs'

const program = fileURLToPath(new URL('../children/get-tokens.mjs', import.meta.url))
/** @returns { calls, byName } of all threads between the marks; or { reason } when strace is not to be had */
export async function countSystemCalls(times, file) {
  const log = path.join(await temporaryFolder('strace'), 'log')
  const args = ['-f', '-qq', '-o', log, process.execPath, program, String(times), ...(file ? [file] : [])]
  try {
    const { code, stderr } = await start('strace', args)
    if (code !== 0) return { reason: `strace: ${stderr.trim().split('\n')[0]}` }
  } catch (error) {
    return { reason: `strace: ${error.code ?? error.message}` }
  }
  const lines = (await readFile(log, 'utf8')).split('\n')
  const begin = lines.findIndex((line) => line.includes('"/mark-begin"'))
  const end = lines.findIndex((line) => line.includes('"/mark-end"'))
  if (begin < 0 || end < begin) return { reason: 'the log of strace lacks the marks' }
  const names = lines.slice(begin + 1, end).flatMap((line) => /^\d+\s+(\w+)\(/.exec(line)?.[1] ?? [])
  const byName = {}
  for (const name of names) byName[name] = (byName[name] ?? 0) + 1
  return { calls: names.length, byName }
}
