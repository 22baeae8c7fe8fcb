/** Unary calls over TLS: with our credentials, with the same header by grpc-js' own or by the caller, and with none. */
import { echoService } from './grpc-echo.mjs'
import { serve } from './serve.mjs'

const CONCURRENCY = 16
const sides = {}

serve({
  async prepare({ port, caPem, file }) {
    const { default: grpc } = await import('@grpc/grpc-js')
    const { createTokenWatcher } = await import('@projected-token/core')
    const { createChannelCredentials, createTokenInterceptor } = await import('@projected-token/grpc')
    const Echo = grpc.makeGenericClientConstructor(echoService, 'bench.Echo')
    const watcher = createTokenWatcher({ path: file })
    const { token } = await watcher.getToken()
    const metadata = new grpc.Metadata()
    metadata.set('authorization', `Bearer ${token}`)
    const generator = grpc.credentials.createFromMetadataGenerator((_call, done) => done(null, metadata))
    const ssl = grpc.credentials.createSsl(Buffer.from(caPem))
    const ours = createChannelCredentials(watcher, ssl)

    const add = (side, credentials, tokens, options = {}) => {
      // One connection each, of the same kind.
      const target = { 'grpc.ssl_target_name_override': 'localhost', 'grpc.use_local_subchannel_pool': 1 }
      const client = new Echo(`127.0.0.1:${port}`, credentials, { ...target, ...options })
      const request = Buffer.from(String(tokens))
      const own = side === 'header' ? metadata : new grpc.Metadata()
      sides[side] = () =>
        new Promise((resolve, reject) => {
          client.echo(request, own, (error) => (error ? reject(error) : resolve()))
        })
    }
    add('none', ssl, 0)
    add('header', ssl, 1)
    add('generator', ssl.compose(generator), 1)
    add('ours', ours, 1)
    add('interceptor', ours, 1, { interceptors: [createTokenInterceptor()] })
  },

  /** @returns calls a second, and the processor's microseconds a call */
  async load({ side, calls }) {
    let left = calls
    const work = async () => {
      while (left-- > 0) await sides[side]()
    }
    const cpu = process.cpuUsage()
    const startedAt = process.hrtime.bigint()
    await Promise.all(Array.from({ length: CONCURRENCY }, work))
    const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9
    const { user, system } = process.cpuUsage(cpu)
    return { perSecond: calls / seconds, cpuMicros: (user + system) / calls }
  },
})
