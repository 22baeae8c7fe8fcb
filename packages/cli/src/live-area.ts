import type { Output } from './io.js'
import { fitLine } from './text-width.js'

/** Lines at the bottom of a terminal that are drawn anew in place, while others scroll by above them. */
export interface LiveArea {
  /** Draws the lines in place of those before. */
  draw(lines: readonly string[]): void
  /** Writes lasting text, which ends with a line feed, above the area. */
  print(text: string): void
  /** Removes the area and gives the cursor back. */
  end(): void
}

const HIDE_CURSOR = '\u001b[?25l'
const SHOW_CURSOR = '\u001b[?25h'
const CLEAR_BELOW = '\u001b[0J'

export function createLiveArea(output: Output): LiveArea {
  let lines: readonly string[] = []
  let started = false

  /** To the first column of the area's first line, with nothing from there on. */
  const clear = () => (lines.length === 0 ? '' : `\r\u001b[${lines.length}A${CLEAR_BELOW}`)
  const drawn = () => lines.map((line) => `${fitLine(line, (output.columns ?? 80) - 1)}\n`).join('')

  return {
    draw(next) {
      const cleared = clear()
      lines = next
      output.write((started ? '' : HIDE_CURSOR) + cleared + drawn())
      started = true
    },
    print(text) {
      // In one write: a terminal never shows the moment between.
      output.write(clear() + text + drawn())
    },
    end() {
      if (!started) return
      output.write(clear() + SHOW_CURSOR)
      lines = []
      started = false
    },
  }
}
