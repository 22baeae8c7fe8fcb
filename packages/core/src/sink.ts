export type { Clock, TimerOptions } from './clock.js'
export {
  type FileAccess,
  parseFileMode,
  parseFileOwner,
} from './sink/file-access.js'
export { replaceFile } from './sink/replace-file.js'
export { SinkError, type SinkErrorCode, type SinkErrorOptions } from './sink/sink-error.js'
export {
  createTokenSink,
  type SinkResult,
  type TokenSink,
  type TokenSinkOptions,
} from './sink/token-sink.js'
export type { Token } from './token.js'
