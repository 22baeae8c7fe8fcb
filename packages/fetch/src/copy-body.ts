/**
 * A copy of a body that its owner can change: fetch reads such a body before it returns, while here it is read once a
 * token is there, and again for a retry. Whatever cannot change, or be copied, is given back as it is.
 */
export function copyBody(body: unknown): unknown {
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice()
  switch (Object.prototype.toString.call(body)) {
    case '[object ArrayBuffer]':
      return (body as ArrayBuffer).slice(0)
    case '[object URLSearchParams]':
      return copyParams(body as URLSearchParams)
    case '[object FormData]':
      return copyForm(body as FormData)
    default:
      return body
  }
}

/** Not those that write themselves in a way of their own ('%20' for a space, say), which fetch asks for. */
function copyParams(params: URLSearchParams): URLSearchParams {
  return params.toString === URLSearchParams.prototype.toString ? new URLSearchParams(params) : params
}

/** Of the same implementation, since a fetch knows only its own; npm's form-data is none, but a stream of that name. */
function copyForm(form: FormData): FormData {
  if (typeof form.entries !== 'function') return form
  const copy = new (implementationOf(form))()
  for (const [name, value] of form.entries()) copy.append(name, value as string)
  return copy
}

/** The class itself, not the caller's own that extends it: the constructor of that may want arguments. */
function implementationOf(form: FormData): typeof FormData {
  let found = form.constructor
  for (let at: object | null = form; at !== null; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, 'append') && Object.hasOwn(at, 'constructor')) found = at.constructor
  }
  return found as typeof FormData
}
