/** What the sidecar's proxy costs, beside no proxy and beside nginx that adds the same header. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { startChild, withChildren } from './support/child.mjs'
import { count, megabytes, milliseconds, ratio } from './support/format.mjs'
import { describeServer, freePort, newFolder, startSidecar } from './support/sidecar-process.mjs'
import { median, medianDifference, rotate } from './support/statistics.mjs'
import { createJwt } from './support/token.mjs'
import { withVolumes, writeVolume } from './support/volume.mjs'

const PATH = '/api/v1/namespaces/default/pods'
const CONCURRENCY = 16
const LOADS = [
  { name: 'busy', concurrency: CONCURRENCY, seconds: 1.5 },
  { name: 'single', concurrency: 1, seconds: 1 },
]

export const sidecarProxy = {
  name: 'sidecar-proxy',
  about: "requests through the sidecar's proxy ÷ through nginx, and the latency that each adds",
  async run({ quick, progress }) {
    const rounds = quick ? 2 : 9
    return withVolumes(async (directory) => {
      const token = createJwt()
      writeVolume(directory, token)
      const starts = ['http-server.mjs', 'sidecar-load.mjs'].map((program) => () => startChild(program))
      return withChildren(starts, async (server, client) => {
        const upstream = await server.call('listen')
        const proxies = []
        try {
          const settings = {
            tokens: [{ name: 'api', path: path.join(directory, 'token') }],
            proxies: [{ listen: `127.0.0.1:${await freePort()}`, upstream, token: 'api' }],
          }
          proxies.push(await startSidecar(settings, (addresses) => addresses.proxies[0]))
          const nginx = await startNginx(upstream, token)
          if (nginx !== undefined) proxies.push(nginx)
          const headers = { authorization: `Bearer ${token}` }
          const targets = [{ name: 'none', origin: upstream, headers }, ...proxies]
          return report(await measure(client, targets, { rounds, quick, progress }), proxies, rounds)
        } finally {
          await Promise.all(proxies.map((proxy) => proxy.close()))
        }
      })
    })
  },
}

async function measure(client, targets, { rounds, quick, progress }) {
  const results = Object.fromEntries(targets.map(({ name }) => [name, { busy: [], single: [], cpu: [] }]))
  const load = ({ origin, headers }, { concurrency }, requests) =>
    client.call('load', { origin, path: PATH, headers: headers ?? {}, requests, concurrency })
  for (let round = -1; round < rounds; round++) {
    progress(round < 0 ? 'warms up' : `round ${round} of ${rounds}`)
    for (const target of rotate(targets, round + 1)) {
      for (const kind of LOADS) {
        const { perSecond } = await load(target, kind, 300)
        const requests = quick ? 300 : Math.ceil(perSecond * (round < 0 ? 3 : 1) * kind.seconds)
        const before = target.cpuSeconds?.()
        const result = await load(target, kind, requests)
        if (round < 0) continue
        results[target.name][kind.name].push(result)
        if (kind.name === 'busy' && before !== undefined) {
          results[target.name].cpu.push(((target.cpuSeconds() - before) / requests) * 1e6)
        }
      }
    }
  }
  return results
}

function report(results, proxies, rounds) {
  const values = (name, kind, field) => results[name][kind].map((result) => result[field])
  const middle = (name, kind, field) => median(values(name, kind, field))
  const added = (name, field) =>
    medianDifference(values(name, 'single', field), values('none', 'single', field))
  const hasNginx = results.nginx !== undefined
  const perSecond = (name) => middle(name, 'busy', 'perSecond')
  const latency = (field, label) => ({
    metric: `latency added by the proxy, ${label}`,
    ours: milliseconds(added('sidecar', field)),
    ...(hasNginx ? { baseline: `nginx ${milliseconds(added('nginx', field))}` } : {}),
  })
  const rows = [
    {
      metric: 'requests a second through the proxy',
      ours: count(perSecond('sidecar')),
      baseline: `no proxy ${count(perSecond('none'))}`,
      ratio: ratio(perSecond('sidecar') / perSecond('none'), 3),
    },
    ...(hasNginx
      ? [
          {
            metric: '',
            baseline: `nginx ${count(perSecond('nginx'))}`,
            ratio: ratio(perSecond('sidecar') / perSecond('nginx'), 3),
          },
        ]
      : []),
    latency('p50', 'median'),
    latency('p99', '99 %'),
  ]
  const costs = proxies
    .map(
      ({ name, residentBytes }) =>
        `${name}: ${median(results[name].cpu).toFixed(0)} µs of the processor a request, ${megabytes(residentBytes())} after the load`,
    )
    .join('; ')
  const notes = [
    `sidecar-proxy: ${rounds} rounds, each with ${CONCURRENCY} at a time (requests a second) and one at a time (latency), over keep-alive, HTTP/1.1 without TLS, one worker each; all on this machine's processors. ${costs}.`,
    ...(hasNginx ? [] : ['sidecar-proxy: nginx is not on the PATH, so it was not measured.']),
  ]
  return { rows, notes, data: results }
}

/** @returns nginx with one worker, or `undefined` when there is none */
async function startNginx(upstream, token) {
  const isInstalled = process.env.PATH.split(path.delimiter).some((folder) =>
    existsSync(path.join(folder, 'nginx')),
  )
  if (!isInstalled) return undefined
  const folder = await newFolder('nginx')
  const port = await freePort()
  await writeFile(
    path.join(folder, 'nginx.conf'),
    `worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join('\n  ')}
  keepalive_requests 1000000;
  upstream api { server ${new URL(upstream).host}; keepalive ${CONCURRENCY}; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://api;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Authorization "Bearer ${token}";
    }
  }
}
`,
    { mode: 0o600 },
  )
  const args = ['-p', folder, '-c', path.join(folder, 'nginx.conf'), '-e', path.join(folder, 'error.log')]
  const child = spawn('nginx', [...args, '-g', 'daemon off;'], { stdio: ['ignore', 2, 2] })
  await waitForPort(port, child)
  const worker = () => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ')
  return describeServer('nginx', `http://127.0.0.1:${port}`, child, worker)
}

async function waitForPort(port, child) {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`)
    const response = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined)
    await response?.arrayBuffer()
    if (response !== undefined) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('nginx does not answer')
}
