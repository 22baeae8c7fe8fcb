import { runTool } from './support/commands.mjs'

export const apiReference = {
  name: 'api-reference',
  about: 'typedoc: every export is documented, every link in a docstring leads somewhere',
  run: () => runTool('typedoc', ['--emit', 'none'], {}, 'typedoc'),
}
