/**
 * The parts of undici's dispatcher API that the interceptor touches. Own, structural types: those of undici 6, 7 and 8
 * exclude one another, so that importing any would break the type check for users of the other two.
 */
export interface DispatchOptions {
  readonly origin?: string | URL | null
  readonly method?: string
  readonly headers?: unknown
  readonly body?: unknown
  readonly maxRedirections?: unknown
}

/** Headers and trailers pass through unread: raw in undici 6, parsed in 7 and 8. */
type PassedOn = unknown

/** undici 7 and 8: what a handler controls its response with. */
export interface DispatchController {
  readonly aborted: boolean
  readonly paused: boolean
  readonly reason: unknown
  rawHeaders?: PassedOn
  rawTrailers?: PassedOn
  abort(reason: unknown): void
  pause(): void
  resume(): void
}

/** undici 7 and 8. */
export interface DispatchHandler {
  onRequestStart?(controller: DispatchController, context: unknown): void
  onRequestUpgrade?(
    controller: DispatchController,
    statusCode: number,
    headers: PassedOn,
    socket: unknown,
  ): unknown
  onResponseStart?(
    controller: DispatchController,
    statusCode: number,
    headers: PassedOn,
    message?: string,
  ): void
  onResponseData?(controller: DispatchController, chunk: Uint8Array): void
  onResponseEnd?(controller: DispatchController, trailers: PassedOn): void
  onResponseError?(controller: DispatchController | null, error: unknown): void
  onResponseStarted?(): void
  onBodySent?(chunk: unknown, totalBytesSent?: unknown): void
  onRequestSent?(): void
}

/** undici 6, and what 7 still takes. */
export interface LegacyHandler {
  onConnect(abort: (reason?: unknown) => void, context?: unknown): void
  onUpgrade(statusCode: number, headers: PassedOn, socket: unknown): unknown
  onHeaders(statusCode: number, headers: PassedOn, resume: () => void, message?: string): unknown
  onData(chunk: Uint8Array): unknown
  onComplete(trailers: PassedOn): void
  onError(error: unknown): void
  onResponseStarted?(): void
  onBodySent?(chunk: unknown, totalBytesSent?: unknown): void
  onRequestSent?(): void
}

/** What an interceptor wraps. */
export type Dispatch = (options: DispatchOptions, handler: DispatchHandler | LegacyHandler) => boolean
