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
      return new URLSearchParams(body as URLSearchParams)
    case '[object FormData]':
      return copyForm(body as FormData)
    default:
      return body
  }
}

/** Of the same class, since a fetch knows only its own; npm's form-data is none, but a stream of that name. */
function copyForm(form: FormData): FormData {
  if (typeof form.entries !== 'function') return form
  const copy = new (form.constructor as typeof FormData)()
  for (const [name, value] of form.entries()) copy.append(name, value as string)
  return copy
}
