import { build } from './check/build.mjs'

/** `npm run build`: every package, by turbo, with its telemetry off. Quiet, but for errors. */
try {
  await build.run()
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
