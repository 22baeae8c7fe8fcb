/** What the page shall show, as a value: pure functions make it, `patch.ts` brings the document there. */
export interface View {
  readonly tag: string
  readonly key: string | undefined
  /** Names are the page's own, never data. Those that start with `--` are custom properties of its style. */
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly (View | string)[]
}
export type Child = View | string | undefined | false | readonly Child[]
export type Element = ReturnType<typeof elementMaker>

export function elementMaker() {
  /** What a screen does not show, or lets rearrange the text around it: control characters, marks of direction. */
  const INVISIBLE =
    /[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g

  /** Text that a token or a server wrote: what is invisible in it becomes visible. */
  const visible = (text: string) =>
    text.replace(INVISIBLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)

  function element(tag: string, attributes: Record<string, string>, ...children: Child[]): View {
    const { key, ...rest } = attributes
    const flat = (children.flat(9) as (View | string | undefined | false)[]).filter(
      (child): child is View | string => child !== undefined && child !== false && child !== '',
    )
    return { tag, key, attributes: rest, children: flat }
  }

  /** Foreign text in a box of its own, so that right-to-left writing moves nothing outside it. */
  const foreign = (text: string, className = '') =>
    element('bdi', className === '' ? {} : { class: className }, visible(text))

  return { element, visible, foreign }
}
