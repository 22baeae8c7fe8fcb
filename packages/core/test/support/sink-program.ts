import { createToken } from '../../src/index.js'
import { createTokenSink } from '../../src/sink.js'

/** `sink-program PATH BYTES TURNS`: writes one content after the other, and is killed after so many turns. */
const [path = '', bytes = '1', turns] = process.argv.slice(2)
const sink = createTokenSink({ path })
const token = createToken({ token: 'of-the-test', loadedAtMs: Date.now() })

if (turns === undefined) {
  const result = await sink.write(token, `new${'x'.repeat(Number(bytes))}`)
  process.stdout.write(JSON.stringify('error' in result ? { ...result.error } : result))
  await sink.close()
} else {
  let left = Number(turns)
  const turn = () => {
    left -= 1
    if (left < 0) process.kill(process.pid, 'SIGKILL')
    setImmediate(turn)
  }
  // The removal of leftovers is over when the first write is.
  await sink.write(token, '0:start:end')
  turn()
  for (let round = 1; ; round++) {
    await sink.write(token, `${round}:${String(round % 10).repeat(Number(bytes))}:end`)
  }
}
