/** A projected volume, written as the kubelet does (pkg/volume/util/atomic_writer.go), synchronously. */
import { randomInt } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** The kubelet's volumes are tmpfs; where this system has one for everybody, it is used. */
const base = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir()

/** What a volume of these benchmarks lies on, for the notes. */
export const volumeKind = base === '/dev/shm' ? 'tmpfs' : 'the temporary folder'

/** Runs `use` with a folder for volumes, which is removed afterwards. */
export async function withVolumes(use) {
  const folder = fs.mkdtempSync(path.join(base, 'projected-token-bench-'))
  const remove = () => fs.rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  try {
    return await use(folder)
  } finally {
    process.off('exit', remove)
    remove()
  }
}

/** Writes `token` into the volume `directory`. @returns when `..data` was swapped: CLOCK_MONOTONIC, nanoseconds */
export function writeVolume(directory, token) {
  fs.mkdirSync(directory, { recursive: true })
  const data = path.join(directory, '..data')
  const old = readLink(data)
  const stamp = new Date().toISOString().slice(0, 19).replace(/[-:T]/g, '_')
  const payload = `..${stamp}.${randomInt(2 ** 32)}`
  fs.mkdirSync(path.join(directory, payload), { mode: 0o700 })
  fs.chmodSync(path.join(directory, payload), 0o755)
  fs.writeFileSync(path.join(directory, payload, 'token'), token, { mode: 0o644 })
  fs.chmodSync(path.join(directory, payload, 'token'), 0o644)
  fs.symlinkSync(payload, path.join(directory, '..data_tmp'))
  fs.renameSync(path.join(directory, '..data_tmp'), data)
  const swappedAtNs = monotonicNs()
  if (old === undefined) fs.symlinkSync('..data/token', path.join(directory, 'token'))
  else fs.rmSync(path.join(directory, old), { recursive: true })
  return swappedAtNs
}

/** On Linux CLOCK_MONOTONIC: one clock for all processes. As a number it is exact for 104 days of uptime. */
export const monotonicNs = () => Number(process.hrtime.bigint())

function readLink(link) {
  try {
    return fs.readlinkSync(link)
  } catch {
    return undefined
  }
}
