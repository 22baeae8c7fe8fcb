/** What the plots of the documentation have in common: a card that follows the reader's light or dark scheme. */

export const WIDTH = 760
export const LEFT = 52
export const RIGHT = 28

const STYLE = `
  svg { font: 12px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; }
  .card { fill: #ffffff; } text { fill: #1f2328; } .quiet { fill: #59636e; }
  .axis { stroke: #8c959f; } .grid { stroke: #d1d9e0; }
  .limit { stroke: #59636e; stroke-dasharray: 5 4; }
  .title { font-size: 15px; font-weight: 600; } .panel { font-weight: 600; }`

const DARK_STYLE = `
    .card { fill: #0d1117; } text { fill: #e6edf3; } .quiet { fill: #9198a1; }
    .axis { stroke: #656c76; } .grid { stroke: #30363d; }
    .limit { stroke: #9198a1; }`

/** @param style, darkStyle what the plot adds to the common rules */
export function card({ title, height, style, darkStyle, body }) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">
<title>${title}</title>
<style>${STYLE}${style}
  @media (prefers-color-scheme: dark) {${DARK_STYLE}${darkStyle}
  }
</style>
<rect class="card" width="${WIDTH}" height="${height}" rx="6"/>
<text class="title" x="${LEFT}" y="28">${title}</text>
${body}
</svg>
`
}

export function line(className, x1, y1, x2, y2) {
  return `<line class="${className}" x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}"/>`
}

export function rect(className, x, y, width, height) {
  return `<rect class="${className}" x="${fixed(x)}" y="${fixed(y)}" width="${fixed(width)}" height="${fixed(height)}"/>`
}

/** @param anchor where in the text x is: start, middle or end */
export function text(className, x, y, content, anchor = 'start') {
  return `<text class="${className}" text-anchor="${anchor}" x="${fixed(x)}" y="${fixed(y)}">${content}</text>`
}

export const fixed = (value) => String(Math.round(value * 10) / 10)
