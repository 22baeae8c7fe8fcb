import { Ajv, type DefinedError, type ValidateFunction } from 'ajv'
import { TEXT_FORMATS } from './formats.js'
import { nearest } from './nearest.js'
import { type ConfigProblem, describeKey, describeValue, formatPath } from './problem.js'
import { type ConfigPath, type RawConfig, valueAt } from './raw-config.js'
import { CONFIG_SCHEMA } from './schema.js'

let compiled: ValidateFunction | undefined

/** Compiled when it is first needed, and once: that takes longer than all the rest. */
function validator(): ValidateFunction {
  if (compiled) return compiled
  const ajv = new Ajv({ allErrors: true, allowUnionTypes: true, verbose: true, logger: false })
  for (const [name, format] of Object.entries(TEXT_FORMATS)) ajv.addFormat(name, format.accepts)
  compiled = ajv.compile(CONFIG_SCHEMA)
  return compiled
}

/** Checks each value for itself, by the schema. @returns all that is wrong */
export function checkShape(raw: RawConfig): ConfigProblem[] {
  const validate = validator()
  if (validate(raw.value)) return []
  return ((validate.errors ?? []) as DefinedError[]).map((error) => describe(error, raw))
}

function describe(error: DefinedError, raw: RawConfig): ConfigProblem {
  const path = pathOf(error.instancePath, raw.value)
  if (error.keyword === 'additionalProperties') {
    const key = error.params.additionalProperty
    const known = Object.keys((error.parentSchema as { properties: object }).properties)
    const meant = nearest(key, known)
    return {
      location: raw.locate([...path, key], 'key'),
      path: formatPath([...path, key]),
      found: `the unknown key ${describeKey(key)}`,
      expected: meant ? `${meant}, perhaps; the keys are ${known.join(', ')}` : `one of ${known.join(', ')}`,
    }
  }
  if (error.keyword === 'required') {
    const key = error.params.missingProperty
    return {
      location: raw.locate(path),
      path: formatPath([...path, key]),
      found: 'nothing',
      expected: 'a value: it is required',
    }
  }
  return {
    location: raw.locate(path),
    path: formatPath(path),
    found: describeValue(valueAt(raw.value, path)),
    expected: expectedBy(error),
  }
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  array: 'a list',
  object: 'a map',
  boolean: 'true or false',
  integer: 'a whole number',
}

function expectedBy(error: DefinedError): string {
  const schema = (error.parentSchema ?? {}) as {
    format?: keyof typeof TEXT_FORMATS
    minimum?: number
    maximum?: number
  }
  switch (error.keyword) {
    case 'format':
      return schema.format === undefined ? 'another text' : TEXT_FORMATS[schema.format].expected
    case 'type': {
      const kinds = [error.params.type].flat().map((kind) => KINDS[kind] ?? kind)
      return schema.format === undefined ? kinds.join(' or ') : TEXT_FORMATS[schema.format].expected
    }
    case 'enum':
      return `one of ${error.params.allowedValues.join(', ')}`
    case 'minimum':
    case 'maximum':
      return `a whole number from ${schema.minimum} to ${schema.maximum}`
    case 'minItems':
    case 'minLength':
      return 'at least one'
    default:
      return error.message ?? 'something else'
  }
}

/** `/tokens/0/name` as keys and indexes. */
function pathOf(pointer: string, value: unknown): ConfigPath {
  const path: (string | number)[] = []
  for (const segment of pointer.split('/').slice(1)) {
    const key = segment.replaceAll('~1', '/').replaceAll('~0', '~')
    path.push(Array.isArray(valueAt(value, path)) ? Number(key) : key)
  }
  return path
}
