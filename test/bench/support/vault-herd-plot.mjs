/** The plot of a herd's requests, as an SVG that follows the reader's light or dark scheme. */

const WIDTH = 760
const LEFT = 52
const RIGHT = 28
const PLOT_HEIGHT = 170
const STRIP_HEIGHT = 26
const PANEL_HEIGHT = 278
const TOP = 76
/** Requests a second, on a logarithmic axis: 4 and 200 are both to be seen. */
const LOWEST = 0.5
const HIGHEST = 400
const TICKS = [1, 10, 100]

const STYLE = `
  svg { font: 12px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; }
  .card { fill: #ffffff; } text { fill: #1f2328; } .quiet { fill: #59636e; }
  .axis { stroke: #8c959f; } .grid { stroke: #d1d9e0; }
  .away { fill: #818b98; fill-opacity: 0.16; } .limit { stroke: #59636e; stroke-dasharray: 5 4; }
  .line { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
  .renewals { stroke: #0969da; } .logins { stroke: #bc4c00; } .without { fill: #cf222e; fill-opacity: 0.55; }
  .title { font-size: 15px; font-weight: 600; } .panel { font-weight: 600; }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; } text { fill: #e6edf3; } .quiet { fill: #9198a1; }
    .axis { stroke: #656c76; } .grid { stroke: #30363d; }
    .away { fill: #9198a1; fill-opacity: 0.2; } .limit { stroke: #9198a1; }
    .renewals { stroke: #58a6ff; } .logins { stroke: #f0883e; } .without { fill: #f85149; fill-opacity: 0.6; }
  }`

/** @param herds results of simulateHerd(), a panel each */
export function drawHerds(herds) {
  const height = TOP + herds.length * PANEL_HEIGHT
  const [{ pods, leaseMs }] = herds
  const title = `${pods.toLocaleString('en')} pods, a lease of ${duration(leaseMs)}: requests to Vault a second`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">
<title>${title}</title>
<style>${STYLE}
</style>
<rect class="card" width="${WIDTH}" height="${height}" rx="6"/>
<text class="title" x="${LEFT}" y="28">${title}</text>
${legend()}
${herds.map((herd, index) => panel(herd, TOP + index * PANEL_HEIGHT)).join('\n')}
</svg>
`
}

function legend() {
  const y = 50
  const entry = (x, className, text) =>
    `<line class="line ${className}" x1="${x}" x2="${x + 18}" y1="${y - 4}" y2="${y - 4}"/><text x="${x + 24}" y="${y}">${text}</text>`
  const box = (x, className, text) =>
    `<rect class="${className}" x="${x}" y="${y - 10}" width="14" height="12"/><text x="${x + 20}" y="${y}">${text}</text>`
  return [
    entry(LEFT, 'renewals', 'renewals'),
    entry(LEFT + 104, 'logins', 'logins, failed ones too'),
    box(LEFT + 290, 'away', 'Vault is away'),
    box(LEFT + 406, 'without', 'pods without a valid token'),
  ].join('')
}

function panel(herd, top) {
  const { outageMs, leaseMs, loginSpreadMs, steadyPerSecond, fromSecond } = herd
  const untilSecond = outageMs / 1000 + Math.min(leaseMs / 1000, Math.max(1_500, outageMs / 2500))
  const sinceSecond = -Math.max(600, untilSecond / 10)
  const x = (second) => LEFT + ((second - sinceSecond) / (untilSecond - sinceSecond)) * (WIDTH - LEFT - RIGHT)
  const plotTop = top + 20
  const bottom = plotTop + PLOT_HEIGHT
  const y = (rate) =>
    bottom - (Math.log(Math.max(rate, LOWEST) / LOWEST) / Math.log(HIGHEST / LOWEST)) * PLOT_HEIGHT
  const stripBottom = bottom + 14 + STRIP_HEIGHT
  const step = Math.max(10, Math.ceil((untilSecond - sinceSecond) / 240))
  const range = { fromSecond, sinceSecond, untilSecond, step }
  /** A line where there is something. */
  const path = (values) =>
    means(values, range).map(([second, rate], at, all) => {
      const goesOn = rate > 0 || all[at - 1]?.[1] > 0
      return `${at > 0 && goesOn ? 'L' : 'M'}${fixed(x(second))} ${fixed(y(rate))}`
    })
  const area = means(herd.withoutToken, range).map(
    ([second, pods]) => `L${fixed(x(second))} ${fixed(stripBottom - (pods / herd.pods) * STRIP_HEIGHT)}`,
  )
  const line = (className, x1, y1, x2, y2) =>
    `<line class="${className}" x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}"/>`
  const across = (className, rate) => line(className, LEFT, y(rate), WIDTH - RIGHT, y(rate))
  const minuteStep = untilSecond > 3_600 ? 30 : 5
  const minutes = []
  for (
    let at = Math.ceil(sinceSecond / 60 / minuteStep) * minuteStep;
    at * 60 <= untilSecond;
    at += minuteStep
  )
    minutes.push(at)
  const limit = 2 * steadyPerSecond
  const option = loginSpreadMs === undefined ? '' : `, loginSpreadMs: ${duration(loginSpreadMs)}`
  return `<g>
<text class="panel" x="${LEFT}" y="${top + 10}">Vault is away for ${duration(outageMs)}${option}</text>
<rect class="away" x="${fixed(x(0))}" y="${plotTop}" width="${fixed(x(outageMs / 1000) - x(0))}" height="${PLOT_HEIGHT + 14 + STRIP_HEIGHT}"/>
${TICKS.map((rate) => `${across('grid', rate)}<text class="quiet" text-anchor="end" x="${LEFT - 6}" y="${fixed(y(rate) + 4)}">${rate}/s</text>`).join('\n')}
${across('limit', limit)}<text class="quiet" text-anchor="end" x="${WIDTH - RIGHT}" y="${fixed(y(limit) - 5)}">2 × the steady rate, ${limit.toFixed(1)}/s</text>
<path class="line renewals" d="${path(herd.renewals).join('')}"/>
<path class="line logins" d="${path(herd.logins).join('')}"/>
${line('axis', LEFT, bottom, WIDTH - RIGHT, bottom)}
<path class="without" d="M${fixed(x(sinceSecond))} ${stripBottom}${area.join('')}L${fixed(x(untilSecond))} ${stripBottom}Z"/>
${line('axis', LEFT, stripBottom, WIDTH - RIGHT, stripBottom)}
<text class="quiet" text-anchor="end" x="${LEFT - 6}" y="${stripBottom - STRIP_HEIGHT + 8}">100 %</text>
<text class="quiet" text-anchor="end" x="${LEFT - 6}" y="${stripBottom}">0</text>
${minutes.map((minute) => `${line('axis', x(minute * 60), stripBottom, x(minute * 60), stripBottom + 4)}<text class="quiet" text-anchor="middle" x="${fixed(x(minute * 60))}" y="${stripBottom + 17}">${minute} min</text>`).join('\n')}
</g>`
}

/** [[second, mean]]: a second counts from the beginning of the outage. */
function means(values, { fromSecond, sinceSecond, untilSecond, step }) {
  const points = []
  for (let at = sinceSecond; at + step <= untilSecond; at += step) {
    const part = values.subarray(Math.round(at - fromSecond), Math.round(at - fromSecond) + step)
    points.push([at + step / 2, part.reduce((total, each) => total + each, 0) / part.length])
  }
  return points
}

const fixed = (value) => String(Math.round(value * 10) / 10)

export function duration(ms) {
  return ms >= 3_600_000 ? `${ms / 3_600_000} h` : `${ms / 60_000} min`
}
