export { type CallCredentialsOptions, createCallCredentials } from './create-call-credentials.js'
export { type ChannelCredentialsOptions, createChannelCredentials } from './create-channel-credentials.js'
export { createTokenInterceptor } from './token-interceptor.js'
