/**
 * What the page's script uses of a browser. TypeScript's own `lib.dom` would apply to the whole workspace, and change
 * the types of Node's globals with it.
 */
export interface PageNode {
  readonly childNodes: ArrayLike<PageNode>
  /** Of a text node. */
  data?: string
  readonly nodeType: number
  insertBefore(node: PageNode, before: PageNode | null): PageNode
  removeChild(node: PageNode): PageNode
}

export interface PageElement extends PageNode {
  readonly localName: string
  getAttribute(name: string): string | null
  setAttribute(name: string, value: string): void
  removeAttribute(name: string): void
  getAttributeNames(): string[]
  readonly style: { setProperty(name: string, value: string): void }
}

export interface PageDocument {
  title: string
  readonly hidden: boolean
  createElement(tag: string): PageElement
  createTextNode(text: string): PageNode
  getElementById(id: string): PageElement | null
  addEventListener(type: string, listener: () => void): void
}

export interface PageEventSource {
  readonly readyState: number
  addEventListener(type: string, listener: (event: { readonly data: string }) => void): void
  close(): void
}

export interface PageBrowser {
  readonly document: PageDocument
  readonly EventSource: new (url: string) => PageEventSource
  readonly performance: { now(): number }
  setInterval(callback: () => void, delayMs: number): unknown
  setTimeout(callback: () => void, delayMs: number): unknown
  fetch(url: string, init: { cache: 'no-store' }): Promise<{ ok: boolean; json(): Promise<unknown> }>
}
