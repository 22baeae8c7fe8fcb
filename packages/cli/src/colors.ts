import pc from 'picocolors'
import type { CliIo, Output } from './io.js'

/** Functions that colour text, or leave it alone. */
export type Colors = ReturnType<typeof pc.createColors>

/** Colours for a terminal; never with `NO_COLOR` (no-color.org), always with `FORCE_COLOR`. */
export function colorsFor(output: Output, env: CliIo['env']): Colors {
  return pc.createColors(wantsColor(output, env))
}

export function wantsColor(output: Output, env: CliIo['env']): boolean {
  if (env.NO_COLOR) return false
  if (env.FORCE_COLOR !== undefined) return !['0', 'false'].includes(env.FORCE_COLOR)
  return isLiveTerminal(output, env)
}

/** Whether the cursor can be moved. */
export function isLiveTerminal(output: Output, env: CliIo['env']): boolean {
  return output.isTTY && env.TERM !== 'dumb'
}
