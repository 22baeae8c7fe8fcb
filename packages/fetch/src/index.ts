export { FetchAuthError, type FetchAuthErrorCode } from './auth-error.js'
export { type AnyFetch, type AuthFetchOptions, createAuthFetch } from './create-auth-fetch.js'
export type { CredentialOptions } from './options.js'
