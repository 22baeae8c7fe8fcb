const MAX_TEXT_LENGTH = 2_000

/** How requests, responses and errors become fields: by what is named here, so that nothing else gets into a log. */
export const SERIALIZERS = {
  err: describeError,
  error: describeError,
  req(request: unknown) {
    const { method, url } = Object(request) as { method?: unknown; url?: unknown }
    return { method: textOf(method), path: textOf(url)?.split('?', 1)[0] }
  },
  res(response: unknown) {
    const { statusCode } = Object(response) as { statusCode?: unknown }
    return { statusCode: typeof statusCode === 'number' ? statusCode : undefined }
  },
}

/** An error's fields, without those that libraries add: some hang the whole request on it. */
function describeError(error: unknown, depth = 0): Record<string, unknown> | string | undefined {
  if (!(error instanceof Error)) return textOf(error)
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown }
  const { cause } = error
  return {
    type: textOf(error.name),
    code: textOf(code),
    statusCode: typeof statusCode === 'number' ? statusCode : undefined,
    message: textOf(error.message),
    stack: textOf(error.stack),
    cause: cause === undefined || depth >= 3 ? undefined : describeError(cause, depth + 1),
  }
}

function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return typeof value === 'number' ? String(value) : undefined
  return value.length > MAX_TEXT_LENGTH ? `${value.slice(0, MAX_TEXT_LENGTH)}…` : value
}
