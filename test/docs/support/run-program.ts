/** Runs a program of a README as its reader would: by Node, on the packages as they were built. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import ts from 'typescript'
import type { World } from './world.js'

/** Whatever it is, it has hung by then. */
const TIMEOUT_MS = 120_000

let programs = 0

/** @returns the file of the program, as JavaScript that this Node can load */
export async function writeProgram(code: string, folder: string): Promise<string> {
  const file = path.join(folder, `program-${++programs}.mjs`)
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }
  await writeFile(file, ts.transpileModule(code, { compilerOptions }).outputText)
  return file
}

/** @returns what it prints; it must end by itself, and well */
export async function runProgram(code: string, world: World): Promise<string> {
  const file = await writeProgram(inWorld(code, world), world.folder)
  const options = { cwd: world.folder, env: world.env, timeout: TIMEOUT_MS, killSignal: 'SIGKILL' } as const
  const { stdout } = await promisify(execFile)(process.execPath, [file], options)
  return stdout.trim()
}

/** Names of a README, as the world has them. */
export function inWorld(code: string, { kubelet, origin, grpcTarget, folder }: World): string {
  return code
    .replaceAll(/(['"])\/var\/run\/secrets\/tokens\/[\w-]+\1/g, JSON.stringify(kubelet.path))
    .replaceAll(/https:\/\/api\.example(\.internal|:8443)/g, origin)
    .replaceAll(/(api|things)\.example:443/g, grpcTarget)
    .replaceAll('/run/out/', `${folder}/`)
}
