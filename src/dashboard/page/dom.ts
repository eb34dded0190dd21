/** Elements, in a line each. Text goes in as text: nothing here ever parses HTML. */

export type Child = Node | string | number | null | undefined | false | readonly Child[]
type Attributes = Record<string, string | number | boolean | null | undefined | ((event: Event) => void)>

/** An element; `on…` are listeners, true and false make and leave out an attribute. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  assign(element, attributes)
  append(element, children)
  return element
}

/** The same for SVG. */
export function s<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag)
  assign(element, attributes)
  append(element, children)
  return element
}

function assign(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2).toLowerCase(), value)
    else if (value === true) element.setAttribute(name, '')
    else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(name, String(value))
  }
}

function append(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue
    if (Array.isArray(child)) append(element, child as readonly Child[])
    else element.append(typeof child === 'number' ? String(child) : (child as Node | string))
  }
}

/** Replaces what is in an element. */
export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren()
  append(element, children)
}

/** Changes text only where it is another one, so that an idle page does no work and nothing is read out twice. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text
}

export function setAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value)
}

let ids = 0

/** For labels and what they belong to. */
export function newId(prefix: string): string {
  ids += 1
  return `${prefix}-${ids}`
}

/** A label above its control. */
export function field(label: string, control: HTMLElement): HTMLElement {
  control.id ||= newId('field')
  return h('div', { class: 'field' }, h('label', { for: control.id }, label), control)
}

export function select(
  options: readonly (readonly [value: string, text: string])[],
  value?: string,
): HTMLSelectElement {
  const element = h(
    'select',
    {},
    options.map(([one, text]) => h('option', { value: one }, text)),
  )
  if (value !== undefined) element.value = value
  return element
}
