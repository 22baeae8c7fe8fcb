import { EXIT } from './exit-codes.js'
import { createProcessIo } from './process-io.js'
import { run } from './run.js'

/** The program: runs this process' command line and sets its exit code. */
export async function main(): Promise<void> {
  const { io, hasLostOutput, dispose } = createProcessIo()
  const exitCode = await run(process.argv.slice(2), io)
  dispose()
  // A reader that has gone can be told nothing, and has seen what it wanted.
  const code = io.signal.reason === 'EPIPE' ? EXIT.ok : exitCode
  // What was found stays worse than that it could not be told: `doctor` says 2, and by 1 that the token works.
  process.exitCode = hasLostOutput() ? Math.max(EXIT.bad, code) : code
}
