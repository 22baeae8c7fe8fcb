import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createFakeClock } from '@projected-token/testing'
import fc from 'fast-check'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { hookEnvironment } from '../src/sinks/hook-environment.js'
import { parsePid } from '../src/sinks/signal-process.js'
import { createRun, makeDirectory, PATIENT, setUp } from './sinks-setup.js'

const RAN = 'The command after a change of the sink has run'
const sh = (script: string) => ({ command: ['/bin/sh', '-c', script] })

afterEach(() => {
  delete process.env.VAULT_TOKEN
  delete process.env.SINK_TEST_SECRET
})

describe('a command after a change', () => {
  it('runs after the first write and after each rotation, and finds the file as it should be', async () => {
    const told = join(await makeDirectory(), 'told')
    const script = `cat "$PROJECTED_TOKEN_SINK" >> '${told}'; echo >> '${told}'`
    const { kubelet, toLog } = await setUp([{ onChange: sh(script) }])
    const first = kubelet.current.token
    await toLog(RAN)
    const second = (await kubelet.rotate()).token
    await toLog(RAN, 2)
    expect(await readFile(told, 'utf8')).toBe(`${first}\n${second}\n`)
  })

  it('runs once after a start, even when the file holds the token already: the one before may have ended too early', async () => {
    const { directory, source, sinks } = await setUp([{}])
    await sinks.close()
    const next = createRun(directory, [{ onChange: sh('true') }], source)
    onTestFinished(() => next.sinks.close())
    await next.sinks.start()
    await next.toLog(RAN)
    expect(next.results).toEqual([true])
    expect(next.messages()).toEqual([RAN])
  })

  it('does not run when the file is looked at later, and holds the token still', async () => {
    const { watcher, kubelet, toLog, messages, results } = await setUp([{ onChange: sh('true') }])
    await toLog(RAN)
    await rename(kubelet.path, `${kubelet.path}.away`)
    await watcher.reload().catch(() => {})
    await rename(`${kubelet.path}.away`, kubelet.path)
    await watcher.reload()
    await expect.poll(() => results.length, PATIENT).toBe(2)
    await kubelet.rotate()
    await toLog(RAN, 2)
    expect(messages().filter((message) => message === RAN)).toHaveLength(2)
  })

  it('gets no token in its environment, but its PATH', async () => {
    const directory = await makeDirectory()
    process.env.VAULT_TOKEN = 'somebody-elses'
    process.env.SINK_TEST_SECRET = 'hvs.CAESIJabcdefghijklmnop'
    const seen = join(directory, 'seen')
    const { toLog, kubelet, path } = await setUp([{ onChange: sh(`env > '${seen}'`) }])
    await toLog(RAN)
    const environment = await readFile(seen, 'utf8')
    expect(environment).toContain(`PATH=${process.env.PATH}`)
    expect(environment).toContain(`PROJECTED_TOKEN_SINK=${path}`)
    expect(environment).not.toMatch(/VAULT_TOKEN|SINK_TEST_SECRET/)
    expect(environment).not.toContain(kubelet.current.token)
  })

  it('is no line of a shell: its words stay as they are', async () => {
    const command = [process.execPath, '-p', 'process.argv.slice(1).join()', '--', '$HOME; *', '$(id)']
    const { toLog, lines } = await setUp([{ onChange: { command } }])
    await toLog(RAN)
    expect(lines.at(-1)).toMatchObject({ exitCode: 0, output: '$HOME; *,$(id)' })
  })

  it('is told with its exit code and output when it fails, and runs again at the next change', async () => {
    const { toLog, lines, kubelet, results } = await setUp([{ onChange: sh('echo bad config >&2; exit 3') }])
    await toLog('failed with exit code 3; the next change runs it again')
    expect(lines.at(-1)).toMatchObject({ level: 50, exitCode: 3, output: 'bad config' })
    expect(results).toEqual([true])
    await kubelet.rotate()
    await toLog('failed with exit code 3', 2)
  })

  it('is told with the remedy when there is none', async () => {
    const { toLog } = await setUp([{ onChange: { command: ['no-such-command'] } }])
    await toLog("could not be started: there is no 'no-such-command' in this container's PATH (ENOENT)")
  })

  it('may print what it likes: the log has the beginning, without the token', async () => {
    const script = 'cat "$PROJECTED_TOKEN_SINK"; echo; head -c 300000 /dev/zero | tr "\\0" x'
    const { toLog, lines, kubelet } = await setUp([{ onChange: sh(script) }])
    await toLog(RAN)
    const { output } = lines.at(-1) as unknown as { output: string }
    expect(output.length).toBeLessThan(4_200)
    expect(output).toMatch(/xxx…$/)
    expect(JSON.stringify(lines)).not.toContain(kubelet.current.token.slice(-20))
  })

  it.each([
    ['wrapped', 'fold -w 76 "$PROJECTED_TOKEN_SINK"'],
    ['letter by letter', 'sed \'s/./& /g\' "$PROJECTED_TOKEN_SINK"'],
    ['wrapped, and cut', 'head -c 3800 /dev/zero | tr "\\0" x; fold -w 9 "$PROJECTED_TOKEN_SINK"'],
  ])('may print the token %s: the log has no piece of it', async (_how, script) => {
    const { toLog, lines, kubelet } = await setUp([{ onChange: sh(script) }])
    await toLog(RAN)
    const { output } = lines.at(-1) as unknown as { output: string }
    expect(output).toContain('[token]')
    const shown = output.replaceAll(' ', '')
    const { token } = kubelet.current
    const pieces = Array.from({ length: token.length - 8 }, (_, at) => token.slice(at, at + 8))
    expect(pieces.filter((piece) => shown.includes(piece))).toEqual([])
  })

  it('is ended when it takes too long, with what it started', async () => {
    const pidFile = join(await makeDirectory(), 'pid')
    const clock = createFakeClock()
    const script = `sleep 600 & echo $! > '${pidFile}.new'; mv '${pidFile}.new' '${pidFile}'; wait`
    const { toLog } = await setUp([{ onChange: sh(script) }], { clock })
    const pid = Number(await whenThere(pidFile))
    await clock.advance(29_999)
    expect(isRunning(pid)).toBe(true)
    await clock.advance(1)
    await toLog('did not end within 30000 ms and was ended')
    await expect.poll(() => isRunning(pid), PATIENT).toBe(false)
  })

  it('is killed when it does not listen', async () => {
    const file = join(await makeDirectory(), 'listens-not')
    const clock = createFakeClock()
    const script = `trap "" TERM; echo > '${file}'; while :; do sleep 0.1; done`
    const { toLog, lines } = await setUp([{ onChange: { ...sh(script), timeoutMs: 1_000 } }], { clock })
    await whenThere(file)
    await clock.advance(3_000)
    await toLog('did not end within 1000 ms and was ended')
    expect(lines.at(-1)).toMatchObject({ signal: 'SIGKILL' })
  })

  it('never runs twice at a time: changes meanwhile cause one run more', async () => {
    const directory = await makeDirectory()
    const told = join(directory, 'told')
    const go = join(directory, 'go')
    const script = `echo begin >> '${told}'; until [ -e '${go}' ]; do sleep 0.05; done; echo end >> '${told}'`
    const { kubelet, path, toLog } = await setUp([{ onChange: sh(script) }])
    for (let rotation = 1; rotation <= 3; rotation++) {
      const { token } = await kubelet.rotate()
      await expect.poll(() => readFile(path, 'utf8'), PATIENT).toBe(token)
    }
    await toLog('has been written', 4)
    await writeFile(go, '')
    await toLog(RAN, 2)
    expect(await readFile(told, 'utf8')).toBe('begin\nend\nbegin\nend\n')
  })

  it('is waited for at the end', async () => {
    const go = join(await makeDirectory(), 'go')
    const onChange = sh(`until [ -e '${go}' ]; do sleep 0.05; done`)
    const { sinks, messages } = await setUp([{ onChange }], { clock: createFakeClock() })
    const closed = sinks.close()
    await writeFile(go, '')
    await closed
    expect(messages()).toContain(RAN)
  })

  it('is ended at the end when it goes on', async () => {
    const clock = createFakeClock()
    const { sinks, lines } = await setUp([{ onChange: { command: ['sleep', '600'] } }], { clock })
    const closed = sinks.close()
    await clock.advance(5_000)
    await closed
    expect(lines.at(-1)).toMatchObject({ level: 50, exitCode: null, signal: 'SIGTERM' })
  })
})

describe('a signal after a change', () => {
  const signalled = async (pidFile: string) => setUp([{ onChange: { signal: 'SIGHUP', pidFile } }])

  it('reaches the process whose number is in the file then', async () => {
    const pidFile = join(await makeDirectory(), 'pid')
    const program =
      "process.on('SIGHUP', () => console.log('hup')); console.log('up'); setInterval(() => {}, 1e6)"
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    let printed = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
    await expect.poll(() => printed, PATIENT).toBe('up\n')
    const { kubelet, toLog, lines } = await signalled(pidFile)
    await toLog(`The pid file '${pidFile}' does not exist (ENOENT)`)
    await writeFile(pidFile, `${child.pid}\n/var/lib/more\n`)
    await kubelet.rotate()
    await toLog('The process that reads the sink has been signalled')
    await expect.poll(() => printed, PATIENT).toBe('up\nhup\n')
    expect(lines.at(-1)).toMatchObject({ pid: child.pid, signal: 'SIGHUP' })
  })

  it.each([
    ['', 'is empty: its program has not written it yet'],
    ['nginx\n', 'holds no process number on its first line'],
    ['1\n', 'holds 1, which is never the program that is meant'],
    ['0', 'holds 0'],
    ['-1', 'holds no process number'],
    ['4194304', 'holds 4194304, which is no process number'],
    [`${process.pid}\n`, 'names this process itself'],
    ['9'.repeat(5_000), 'cannot be read: it is larger than 4096 bytes'],
  ])('is not sent to %j', async (content, message) => {
    const pidFile = join(await makeDirectory(), 'pid')
    await writeFile(pidFile, content)
    const { toLog, results } = await signalled(pidFile)
    await toLog(message)
    expect(results).toEqual([true])
  })

  it('to a process that has ended is told, with the remedy', async () => {
    const pidFile = join(await makeDirectory(), 'pid')
    const child = spawn('true')
    await once(child, 'exit')
    await writeFile(pidFile, String(child.pid))
    const { toLog } = await signalled(pidFile)
    await toLog('ESRCH, there is none')
    await toLog('shareProcessNamespace: true')
  })
})

describe('what is decided for a hook', () => {
  it('is a process number from 2, or a reason, whatever the file holds', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.integer().map(String),
          fc.nat().map((n) => `${n}\nmore`),
        ),
        (content) => {
          const pid = parsePid(content)
          if (typeof pid === 'string') return pid !== ''
          return (
            pid > 1 && pid < 4_194_304 && String(pid) === content.split('\n')[0]?.trim().replace(/^0+/, '')
          )
        },
      ),
    )
  })

  it('is an environment without any variable that holds the token', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 8 }), fc.string(), fc.string(), (secret, before, after) => {
        const env = { PATH: '/bin', HELD: before + secret + after }
        const { HELD, ...rest } = hookEnvironment(env, '/run/token', secret)
        expect(HELD).toBeUndefined()
        return '/bin'.includes(secret) || rest.PATH === '/bin'
      }),
    )
  })
})

/** The content of a file, which is not empty, when it is there. */
async function whenThere(path: string): Promise<string> {
  const content = () => readFile(path, 'utf8').catch(() => '')
  await expect.poll(content, PATIENT).not.toBe('')
  return content()
}

/** Whether the process still does something: one that has ended may wait for ever for a parent that asks how. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
