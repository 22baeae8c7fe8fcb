import type { PageDocument, PageElement, PageNode } from './browser-types.js'
import type { View } from './element.js'

export type Patch = ReturnType<typeof patcher>

/** Brings the document to a view with few changes: focus, selection and a screen reader's place stay. */
export function patcher(document: PageDocument) {
  const ELEMENT = 1
  const TEXT = 3
  const keys = new WeakMap<PageNode, string>()

  const isElement = (node: PageNode): node is PageElement => node.nodeType === ELEMENT

  function fits(node: PageNode | undefined, view: View | string): boolean {
    if (node === undefined) return false
    if (typeof view === 'string') return node.nodeType === TEXT
    return isElement(node) && node.localName === view.tag && keys.get(node) === view.key
  }

  function make(view: View | string): PageNode {
    if (typeof view === 'string') return document.createTextNode(view)
    const node = document.createElement(view.tag)
    if (view.key !== undefined) keys.set(node, view.key)
    return node
  }

  function setAttributes(node: PageElement, attributes: View['attributes']): void {
    for (const [name, value] of Object.entries(attributes)) {
      // A style attribute would need 'unsafe-inline' of the policy; the style's own methods do not.
      if (name.startsWith('--')) node.style.setProperty(name, value)
      else if (node.getAttribute(name) !== value) node.setAttribute(name, value)
    }
    for (const name of node.getAttributeNames()) {
      if (name !== 'style' && !(name in attributes)) node.removeAttribute(name)
    }
  }

  function update(node: PageNode, view: View | string): void {
    if (typeof view === 'string') {
      if (node.data !== view) node.data = view
      return
    }
    setAttributes(node as PageElement, view.attributes)
    patch(node, view.children)
  }

  function patch(parent: PageNode, views: View['children']): void {
    views.forEach((view, index) => {
      let node = parent.childNodes[index]
      if (node === undefined || !fits(node, view)) {
        const isKeyed = typeof view !== 'string' && view.key !== undefined
        const moved = isKeyed ? Array.from(parent.childNodes).find((other) => fits(other, view)) : undefined
        const next = moved ?? make(view)
        parent.insertBefore(next, node ?? null)
        node = next
      }
      update(node, view)
    })
    while (parent.childNodes.length > views.length) {
      const last = parent.childNodes[parent.childNodes.length - 1]
      if (last === undefined) return
      parent.removeChild(last)
    }
  }

  return patch
}
