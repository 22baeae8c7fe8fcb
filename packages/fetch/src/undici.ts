export { FetchAuthError, type FetchAuthErrorCode } from './auth-error.js'
export type { CredentialOptions } from './options.js'
export {
  createTokenInterceptor,
  type TokenInterceptor,
  type TokenInterceptorOptions,
} from './undici/token-interceptor.js'
