import { runTool } from './support/commands.mjs'

export const lint = {
  name: 'lint',
  about: 'biome: format, imports and lint rules',
  run: () => runTool('@biomejs/biome', ['ci', '--error-on-warnings', '--colors=off', '.'], {}, 'biome'),
}
