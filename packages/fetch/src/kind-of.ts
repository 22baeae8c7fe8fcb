/** What a bad argument is, for a message, without what it holds. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (value === '') return 'an empty string'
  return value === undefined ? 'undefined' : `a value of type ${typeof value}`
}
