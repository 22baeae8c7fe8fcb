import { isatty } from 'node:tty'
import type { Token } from '@projected-token/core'
import { CliError } from '../cli-error.js'
import { isInForeground } from '../files.js'
import type { CommandIo, TakenSignal } from '../io.js'
import { checkPaths } from './check-paths.js'
import { type ChildEnd, startChild, startShell } from './child.js'
import { childEnvironment, notifyEnvironment } from './child-environment.js'
import { createNotifier } from './notifier.js'
import { noVaultToken, type OpenVault, openVault, risksOf } from './open-vault.js'
import { createReadiness } from './readiness.js'
import { createSessionLog, type SessionLog } from './session-log.js'
import type { SessionOptions } from './session-options.js'
import { createSinks } from './sinks.js'
import { createSupervisor } from './supervisor.js'
import { tellVaultEvents } from './tell-vault-events.js'

/** What `vault exec` and `vault agent` are asked. */
export interface SessionRequest {
  readonly options: SessionOptions
  /** Empty for none. */
  readonly command: readonly string[]
  readonly readyFile?: string | undefined
  /** A line for the shell. */
  readonly notify?: string | undefined
  /** How long to wait for the first token. */
  readonly timeoutMs: number
  /** Of what goes wrong before the command has begun. */
  readonly failureExitCode: number
  readonly isQuiet: boolean
}

/** How it ended: with the command, or by a signal that no command was there to get. */
export type SessionEnd = ChildEnd | { readonly stoppedBy: TakenSignal }

const OF_ENDING: ReadonlySet<TakenSignal> = new Set(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'])
/**
 * A role that has gone may come back, but the library has given up; and a token of unknown life (`ZERO_LEASE`) it replaces
 * on demand only. Nobody else asks.
 */
const ASK_AGAIN_MS = 300_000

/**
 * Keeps a Vault token alive, and gives it to sinks and a command, until the command ends or a signal says so.
 *
 * @throws InvalidArgumentError for options that cannot be right, before anything is written
 */
export async function runSession(request: SessionRequest, io: CommandIo): Promise<SessionEnd> {
  const { options, timeoutMs, failureExitCode, isQuiet } = request
  const { revoke = false, loginSpread: loginSpreadMs } = options
  checkPaths(options, request.readyFile)
  const vault = await openVault(options, { timeoutMs, revoke, loginSpreadMs }, io)
  const { provider } = vault
  const log = createSessionLog(io, options.json ? 'json' : isQuiet ? 'quiet' : 'all', provider.status)
  for (const risk of risksOf(options, provider.status().address, io.env)) log.tell('warning', risk)
  tellVaultEvents(vault, log)
  const stop = new AbortController()
  const { reason } = io.signal
  if (reason !== undefined && reason !== 'EPIPE') stop.abort(reason)
  let giveBackSignals = () => {}
  try {
    const parts = createParts(request, vault, io, log)
    const onSignal = (signal: TakenSignal) => {
      if (parts.supervisor.isRunning) parts.supervisor.handOn(signal)
      else if (OF_ENDING.has(signal)) stop.abort(signal)
    }
    giveBackSignals = io.takeSignals(onSignal)
    return await serve(request, vault, parts, stop.signal, io)
  } catch (error) {
    if (stop.signal.aborted) return { stoppedBy: stop.signal.reason as TakenSignal }
    throw noVaultToken(error, failureExitCode)
  } finally {
    await vault.close()
    log.tell('ended')
    giveBackSignals()
  }
}

/** All that gets the token. */
function createParts(
  request: SessionRequest,
  { provider }: OpenVault,
  { env, clock }: CommandIo,
  log: SessionLog,
) {
  const { command, options, notify, failureExitCode } = request
  const environment = (token: Token) => childEnvironment(env, options, provider.status(), token)
  return {
    sinks: createSinks(options.sink ?? [], clock, log, failureExitCode),
    readiness: createReadiness(request.readyFile, log, failureExitCode),
    notifier:
      notify === undefined
        ? undefined
        : createNotifier({
            run: (event) => startShell(notify, notifyEnvironment(env, event)),
            killTimeoutMs: options.killTimeout,
            clock,
            log,
          }),
    supervisor: createSupervisor({
      spawn: (token) => startChild(command, environment(token)),
      onChange: options.onChange,
      killTimeoutMs: options.killTimeout,
      hasTerminalSent: () => isInForeground() ?? isatty(0),
      clock,
      log,
    }),
  }
}

async function serve(
  request: SessionRequest,
  { provider }: OpenVault,
  { sinks, readiness, notifier, supervisor }: ReturnType<typeof createParts>,
  stop: AbortSignal,
  { clock }: CommandIo,
): Promise<SessionEnd> {
  let served: Token | undefined
  let isOver = false
  let cancelRetry = () => {}

  /** Brings everybody to the token in use: the files first, for whoever is told to read them. */
  async function update(): Promise<void> {
    const token = provider.current
    if (isOver) return
    if (!token) return readiness.set(false)
    await sinks.write(token, provider.status())
    if (isOver) return
    await readiness.set(true)
    if (isOver || token.token === served?.token) return
    const isFirst = served === undefined
    served = token
    if (!isFirst) supervisor.replaceToken(token)
    else if (request.command.length > 0) supervisor.start(token)
    notifier?.tell(isFirst ? 'ready' : 'changed')
  }

  const broken = new AbortController()
  let updating = readiness.set(false)
  const updateNext = () => {
    updating = updating.then(update).catch((error: unknown) => broken.abort(error))
  }
  try {
    await updating
    await provider.getToken({ signal: stop })
    updateNext()
    provider
      .on('login', updateNext)
      .on('renewed', updateNext)
      .on('state', ({ to }) => {
        updateNext()
        cancelRetry()
        if (to !== 'failed' && to !== 'expired') return
        const ask = () => (to === 'failed' ? provider.login() : provider.getToken())
        const askAgain = () => ask().catch(() => {}) // an event tells it
        cancelRetry = clock.setTimer(askAgain, ASK_AGAIN_MS, { keepAlive: true })
      })
    const end = await Promise.race([supervisor.ended, stopped(stop), brokenBy(broken.signal)])
    throwIfNotStarted(end, request)
    return end
  } finally {
    isOver = true
    cancelRetry()
    await sinks.close()
    await updating.catch(() => {})
    await notifier?.close()
    await readiness.set(false).catch(() => {})
    if (request.options.revoke) await sinks.remove()
  }
}

function stopped(signal: AbortSignal): Promise<SessionEnd> {
  return aborted(signal).then(() => ({ stoppedBy: signal.reason as TakenSignal }))
}

function brokenBy(signal: AbortSignal): Promise<never> {
  return aborted(signal).then(() => Promise.reject(signal.reason))
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function throwIfNotStarted(end: SessionEnd, { command }: SessionRequest): void {
  if (!('error' in end) || end.error === undefined) return
  throw new CliError(`'${command[0]}' could not be started: ${end.error}`, {
    code: 'ERR_COMMAND',
    exitCode: end.exitCode,
  })
}
