import { runTool } from './support/commands.mjs'

export const build = {
  name: 'build',
  about: 'turbo builds every package',
  run: () =>
    runTool('turbo', ['run', 'build', '--output-logs=errors-only'], {
      env: { TURBO_TELEMETRY_DISABLED: '1' },
    }),
}
