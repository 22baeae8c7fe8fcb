import { library } from '../../tsup.config.js'

export default library(['src/index.ts', 'src/provider.ts', 'src/sink.ts'], ['jose'])
