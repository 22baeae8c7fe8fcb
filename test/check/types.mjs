import { runTool } from './support/commands.mjs'

export const types = {
  name: 'types',
  about: 'tsc on sources, tests and examples',
  run: () => runTool('typescript', ['--noEmit', '--project', 'tsconfig.json'], {}, 'tsc'),
}
