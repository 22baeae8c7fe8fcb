import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { createTokenWatcher, type TokenError } from '../../src/index.js'

const say = (message: unknown) => process.stdout.write(`${JSON.stringify(message)}\n`)

const watcher = createTokenWatcher(JSON.parse(process.argv[2] as string))
for (const name of ['rotated', 'failed', 'recovered', 'overdue', 'expired', 'watch'] as const) {
  watcher.on(name, (payload) => say({ event: name, payload }))
}

const calls: Record<string, (request: { file: string; args: string[] }) => unknown> = {
  getToken: () =>
    watcher.getToken().then(
      ({ token }) => ({ token }),
      ({ code, message }: TokenError) => ({ code, message }),
    ),
  status: () => watcher.status(),
  run({ file, args }) {
    try {
      execFileSync(file, args, { stdio: 'pipe' })
      return null
    } catch (error) {
      return (error as Error).message
    }
  },
  async killInotify() {
    // Not before what the event loop has in hand: it may be about to read an event, and libuv aborts when it reads none.
    await new Promise((resolve) => setImmediate(resolve))
    for (const fd of readdirSync('/proc/self/fd')) {
      try {
        if (readlinkSync(`/proc/self/fd/${fd}`) !== 'anon_inode:inotify') continue
      } catch {
        continue
      }
      closeSync(Number(fd))
      // The lowest free number is given out first: the watch's descriptor now leads nowhere.
      openSync('/dev/null', 'r')
    }
  },
}

const input = createInterface({ input: process.stdin })
input.on('line', async (line) => {
  const request = JSON.parse(line)
  say({ answer: (await calls[request.call]?.(request)) ?? null })
})
input.on('close', async () => {
  await watcher.close()
  process.exit(0)
})
say({ pid: process.pid })
