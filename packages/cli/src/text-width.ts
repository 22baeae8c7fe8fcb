/** ANSI sequences that this program writes: colours. */
const COLOR = /\u001b\[[\d;]*m/y
/** Characters that take two columns of a terminal. */
const WIDE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}]/u
const MARK = /\p{M}/u
const RESET = '\u001b[0m'

/** Cuts a coloured line to a number of columns: a line that wraps cannot be redrawn in place. */
export function fitLine(line: string, columns: number): string {
  let width = 0
  let colored = false
  for (let index = 0; index < line.length; ) {
    COLOR.lastIndex = index
    const color = COLOR.exec(line)
    if (color) {
      colored = true
      index += color[0].length
      continue
    }
    const character = String.fromCodePoint(line.codePointAt(index) as number)
    width += MARK.test(character) ? 0 : WIDE.test(character) ? 2 : 1
    if (width > columns) return line.slice(0, index) + (colored ? RESET : '')
    index += character.length
  }
  return line
}
