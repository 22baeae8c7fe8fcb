/**
 * Whether YAML text may nest deeper than that, told from its characters: the parser cannot be asked, since it would
 * have to survive the text first. Text in quotes counts as well, which harms nobody at limits of some dozens.
 */
export function isDeeperThan(text: string, maxDepth: number): boolean {
  return (
    flowDepth(text) > maxDepth ||
    text.split('\n').some(hasLongPrefix(maxDepth)) ||
    blockDepth(text) > maxDepth
  )
}

/** `- - - x`: levels within one line. */
const hasLongPrefix = (maxDepth: number) => {
  const prefix = new RegExp(`(?:(?:^|[\\s,[{])[-?:](?=[\\s,\\]}]|$)[\\s]*){${maxDepth}}`)
  return (line: string) => prefix.test(line)
}

/** How deep brackets nest, at most. */
function flowDepth(text: string): number {
  let depth = 0
  let deepest = 0
  for (let index = 0; index < text.length; index++) {
    const character = text[index]
    if (character === '[' || character === '{') deepest = Math.max(deepest, ++depth)
    else if ((character === ']' || character === '}') && depth > 0) depth--
  }
  return deepest
}

/** How many times lines go further in without coming back. */
function blockDepth(text: string): number {
  const indents: number[] = []
  let deepest = 0
  for (const line of text.split('\n')) {
    const indent = line.search(/[^ ]/)
    if (indent < 0) continue
    while ((indents.at(-1) ?? -1) >= indent) indents.pop()
    deepest = Math.max(deepest, indents.push(indent))
  }
  return deepest
}
