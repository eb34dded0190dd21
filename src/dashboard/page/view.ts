/** A view of the page: draws itself into an element, and gives back how to end it. */
import type { About } from '../messages.ts'
import { h, setText } from './dom.ts'
import { type LinkState, ServerError } from './server.ts'

export interface ViewContext {
  about: About
  /** What follows the view's name in the address: `#/tables/events` → `['events']`. */
  path: readonly string[]
  query: URLSearchParams
  /** Aborts when the view ends. */
  signal: AbortSignal
}

export interface View {
  name: string
  title: string
  draw(host: HTMLElement, context: ViewContext): void | (() => void)
}

/** In the head of the page: whether what a view shows is of now. */
export function showLink(state: LinkState): void {
  setText(document.querySelector('#link')!, state === 'open' ? '' : 'Connection lost, trying again')
}

/** The box that says what went wrong; nothing when somebody has only left. */
export function problemBox(error: unknown): HTMLElement | null {
  if ((error as Error).name === 'AbortError') return null
  const hint = error instanceof ServerError ? error.hint : undefined
  return h(
    'div',
    { class: 'notice bad', role: 'alert' },
    h('p', {}, (error as Error).message),
    hint === undefined ? null : h('p', { class: 'soft' }, hint),
  )
}
