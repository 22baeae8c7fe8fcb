/** The picture of measure-rotation.mjs' numbers, as an SVG. */
import { card, fixed, LEFT, line, RIGHT, rect, text, WIDTH } from '../../bench/support/svg.mjs'

const LEGEND_Y = 50
const TOP = 84
const ROW_HEIGHT = 40
const BAR_HEIGHT = 14
const AGES_HEIGHT = 96
/** What each class means, from good to bad. */
const STATES = [
  ['even', 'a valid token'],
  ['odd', 'the next one'],
  ['expired', 'expired, within the 60 s of leeway'],
  ['refused', 'expired and refused'],
]

const style = `
  .even { fill: #0969da; } .odd { fill: #54aeff; } .expired { fill: #d4a72c; } .refused { fill: #cf222e; }
  .halo { paint-order: stroke; stroke: #ffffff; stroke-width: 5px; }
  .due { fill: #818b98; fill-opacity: 0.18; } .swap { stroke: #59636e; stroke-dasharray: 2 3; } .dot { fill: #0969da; }`
const darkStyle = `
    .even { fill: #1f6feb; } .odd { fill: #79c0ff; } .expired { fill: #d29922; } .refused { fill: #f85149; }
    .halo { stroke: #0d1117; }
    .due { fill: #9198a1; fill-opacity: 0.22; } .swap { stroke: #9198a1; } .dot { fill: #58a6ff; }`

export function drawRotation(measured) {
  const rows = measured.clients.length + 1
  const axisY = TOP + rows * ROW_HEIGHT
  const agesTop = axisY + 52
  return card({
    title: `A token of ${measured.lifeS / 60} minutes, rotated by Kubernetes ${measured.kubernetes}, and what five clients send`,
    height: agesTop + AGES_HEIGHT + 36,
    style,
    darkStyle,
    body: [legend(), oneProgram(measured, axisY), ages(measured, agesTop)].join('\n'),
  })
}

function legend() {
  let x = LEFT
  return STATES.map(([className, meaning]) => {
    const entry = rect(className, x, LEGEND_Y - 10, 14, 12) + text('', x + 20, LEGEND_Y, meaning)
    x += 44 + meaning.length * 6.4
    return entry
  }).join('')
}

/** The time of one pod, a row for the volume and one for each client. */
function oneProgram({ onePod, clients, pods, durationS, lifeS }, axisY) {
  const x = (seconds) => LEFT + (Math.min(seconds, durationS) / durationS) * (WIDTH - LEFT - RIGHT)
  const row = (at) => TOP + at * ROW_HEIGHT
  const bar = (className, fromS, toS, y) => rect(className, x(fromS), y, x(toS) - x(fromS), BAR_HEIGHT)
  const volume = onePod.tokens.map(({ writtenAtS, issuedAtS }, at) => {
    const untilS = onePod.tokens[at + 1]?.writtenAtS ?? durationS
    const [y, dueS] = [row(0) + 6, issuedAtS + lifeS * 0.8]
    const due = dueS < durationS ? line('axis', x(dueS), y - 3, x(dueS), y + BAR_HEIGHT + 3) : ''
    return bar(at % 2 === 0 ? 'even' : 'odd', Math.max(0, writtenAtS), untilS, y) + due
  })
  const swaps = onePod.tokens
    .slice(1)
    .map(({ writtenAtS }) => line('swap', x(writtenAtS), row(0), x(writtenAtS), axisY))
  const lanes = clients.map(({ id, label, requests, expired, refused }, at) => {
    const y = row(at + 1)
    const { spans } = onePod.clients.find((client) => client.id === id)
    const count = (value) => value.toLocaleString('en')
    const outcome = `${count(requests)} requests of ${pods} pods: ${count(expired)} with an expired token, ${count(refused)} refused`
    return [
      text('panel', LEFT, y, label),
      text('quiet halo', WIDTH - RIGHT, y, outcome, 'end'),
      ...spans.map(({ token, state, fromS, toS }) =>
        bar(state === 'valid' ? (token % 2 === 0 ? 'even' : 'odd') : state, fromS, toS, y + 6),
      ),
    ].join('\n')
  })
  const minutes = Array.from({ length: Math.floor(durationS / 300) + 1 }, (_, at) => at * 5)
  return [
    ...swaps,
    text('panel', LEFT, row(0), 'the file in the volume of one pod'),
    text(
      'quiet halo',
      WIDTH - RIGHT,
      row(0),
      'line: 80 % of its life; dotted: the kubelet replaces it',
      'end',
    ),
    ...volume,
    ...lanes,
    line('axis', LEFT, axisY, WIDTH - RIGHT, axisY),
    ...minutes.map(
      (minute) =>
        line('axis', x(minute * 60), axisY, x(minute * 60), axisY + 4) +
        text('quiet', x(minute * 60), axisY + 17, `${minute} min`, 'middle'),
    ),
  ].join('\n')
}

/** How old the tokens of all pods were when they were replaced. */
function ages({ agesAtRotationS, lifeS, pods }, top) {
  const [firstS, lastS] = [lifeS * 0.75, lifeS * 1.02]
  const x = (seconds) => LEFT + ((seconds - firstS) / (lastS - firstS)) * (WIDTH - LEFT - RIGHT)
  const bottom = top + AGES_HEIGHT
  const [earliestS, latestS] = [lifeS * 0.8 - 9, lifeS * 0.8 + 90]
  const perBin = new Map()
  const dots = agesAtRotationS.map((age) => {
    const bin = Math.floor(age / 2)
    const below = perBin.get(bin) ?? 0
    perBin.set(bin, below + 1)
    return `<circle class="dot" cx="${fixed(x(bin * 2 + 1))}" cy="${fixed(bottom - 5 - below * 6)}" r="2.4"/>`
  })
  const marks = [
    [lifeS * 0.8, '80 %'],
    [lifeS, 'expiry'],
  ]
  const ticks = Array.from({ length: 6 }, (_, at) => Math.round(firstS / 30) * 30 + at * 30).filter(
    (age) => age <= lastS,
  )
  return [
    text(
      'panel',
      LEFT,
      top - 10,
      `age at which the kubelet replaced it: ${agesAtRotationS.length} rotations in ${pods} pods`,
    ),
    rect('due', x(earliestS), top, x(latestS) - x(earliestS), AGES_HEIGHT),
    text(
      'quiet',
      x((earliestS + latestS) / 2),
      top + 14,
      `due from ${earliestS} s, done by ${latestS} s when pods sync every 60 s to 90 s`,
      'middle',
    ),
    ...marks.map(
      ([age, name]) =>
        line('limit', x(age), top, x(age), bottom) + text('quiet', x(age) - 5, top + 30, name, 'end'),
    ),
    ...dots,
    line('axis', LEFT, bottom, WIDTH - RIGHT, bottom),
    ...ticks.map(
      (age) =>
        line('axis', x(age), bottom, x(age), bottom + 4) +
        text('quiet', x(age), bottom + 17, `${age} s`, 'middle'),
    ),
  ].join('\n')
}
