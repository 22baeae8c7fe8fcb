import { describe, expect, it } from 'vitest'
import { createTokenWatcher, readTokenFile, type TokenWatcherOptions } from '../src/index.js'

function errorOf(options: unknown): Error & { code?: string } {
  try {
    createTokenWatcher(options as TokenWatcherOptions)
  } catch (error) {
    return error as Error
  }
  throw new Error('no error')
}

describe('createTokenWatcher refuses bad arguments at once', () => {
  it.each([
    ['path', 5, 'the number 5'],
    ['path', null, 'null'],
    ['audience', {}, 'an object'],
    ['audience', ['a', 1], 'an array of 2'],
    ['audience', new Array(2), 'an array of 2'],
    ['issuer', false, 'the boolean false'],
    ['subject', Symbol('x'), 'a symbol'],
    ['reloadIntervalMs', '300', 'a string of 3 characters'],
    ['startupTimeoutMs', 10n, 'a bigint'],
    ['maxTokenBytes', {}, 'an object'],
    ['watch', 'yes', 'a string of 3 characters'],
    ['keepAlive', 1, 'the number 1'],
    ['clock', {}, 'an object'],
    ['clock', { now: () => 0 }, 'an object'],
  ])('the wrong type of %s: %s', (option, value, found) => {
    const error = errorOf({ [option]: value })
    expect(error).toBeInstanceOf(TypeError)
    expect(error.code).toBe('ERR_INVALID_ARG_TYPE')
    expect(error.message).toContain(`'${option}' must be`)
    expect(error.message).toContain(`got ${found}`)
  })

  it.each([
    ['path', ''],
    ['path', 'a\0b'],
    ['audience', ''],
    ['audience', []],
    ['audience', ['vault', '']],
    ['issuer', ''],
    ['reloadIntervalMs', 999],
    ['reloadIntervalMs', Number.NaN],
    ['reloadIntervalMs', Number.POSITIVE_INFINITY],
    ['reloadIntervalMs', 1000.5],
    ['startupTimeoutMs', -1],
    ['maxTokenBytes', 0],
    ['maxTokenBytes', 2 ** 30 + 1],
  ])('a %s out of range: %j', (option, value) => {
    const error = errorOf({ [option]: value })
    expect(error).toBeInstanceOf(RangeError)
    expect(error.code).toBe('ERR_OUT_OF_RANGE')
    expect(error.message).toContain(`'${option}'`)
  })

  it('an option that does not exist, naming those that do', () => {
    const error = errorOf({ reloadInterval: 5 })
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(/'reloadInterval'.*reloadIntervalMs/)
    expect(errorOf({ toString: 5 }).message).toContain("'toString'")
  })

  it.each([null, 5, 'path', []])('options that are no object: %j', (options) => {
    expect(errorOf(options)).toBeInstanceOf(TypeError)
  })

  it('also inherited ones, and those that a getter gives', () => {
    expect(errorOf(Object.create({ reloadIntervalMs: Number.NaN }))).toBeInstanceOf(RangeError)
    expect(
      errorOf({
        get watch() {
          return 'yes'
        },
      }),
    ).toBeInstanceOf(TypeError)
  })

  it('without quoting a string: a token given by mistake does not reach a log', () => {
    expect(errorOf({ reloadIntervalMs: 'canary' }).message).not.toContain('canary')
  })

  it('takes undefined for the default', async () => {
    const watcher = createTokenWatcher({
      path: undefined,
      audience: undefined,
      clock: undefined,
      watch: undefined,
    })
    expect(watcher.status().path).toBe('/var/run/secrets/kubernetes.io/serviceaccount/token')
    await watcher.close()
  })
})

describe('readTokenFile refuses bad arguments at once', () => {
  it.each([
    ['/token', undefined, TypeError],
    ['/token', Number.NaN, RangeError],
    ['/token', -1, RangeError],
    ['', 1_048_576, RangeError],
  ])('the path %j and the size %s', (path, maxTokenBytes, kind) => {
    expect(() => readTokenFile(path, maxTokenBytes as number)).toThrow(kind)
  })
})
