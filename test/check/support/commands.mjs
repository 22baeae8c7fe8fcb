/** Starts programs without a shell, and keeps quiet about those that succeed. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { StageFailure } from './run-stages.mjs'
import { root } from './workspace.mjs'

/** Runs a program; resolves with { code, stdout, stderr } whatever its exit code. */
export function start(command, args, { cwd = root, env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const output = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr']) {
      child[stream].setEncoding('utf8').on('data', (text) => {
        output[stream] += text
      })
    }
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code: code ?? signal, ...output }))
  })
}

/** Runs a program that must succeed. @returns its standard output */
export async function run(command, args, options) {
  const { code, stdout, stderr } = await start(command, args, options)
  if (code === 0) return stdout
  const shown = [path.basename(command), ...args].join(' ').replaceAll(root, '')
  throw new StageFailure(`${shown}\nexited with ${code}\n${stdout}${stderr}`.trimEnd())
}

/** Runs the program `name` of an installed package. */
export async function runTool(packageName, args, options, name = packageName) {
  const folder = path.join(root, 'node_modules', packageName)
  const { bin } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'))
  const script = path.join(folder, typeof bin === 'string' ? bin : bin[name])
  return run(process.execPath, [script, ...args], options)
}

/** Runs npm on a given Node, whose version decides what npm picks from a range of versions. */
export function npm(args, { node = process.execPath, ...options } = {}) {
  return run(node, [npmScript(), ...args], options)
}

function npmScript() {
  const besideNode = ['../lib/node_modules', 'node_modules'].map((folder) =>
    path.join(path.dirname(process.execPath), folder, 'npm/bin/npm-cli.js'),
  )
  const script = [process.env.npm_execpath, ...besideNode].find((file) => file && existsSync(file))
  if (!script) throw new StageFailure('npm was not found: start this with `npm run check`')
  return script
}
