/** Tabs: one panel of several, by click, arrow keys, Home and End. */
import { fill, h, newId } from './dom.ts'

export interface Tab {
  title: string
  draw(panel: HTMLElement): void
}

export function tabs(label: string, all: readonly Tab[]): HTMLElement {
  const panel = h('div', { role: 'tabpanel', id: newId('panel'), class: 'tab-panel' })
  const buttons = all.map(({ title }) =>
    h('button', { type: 'button', role: 'tab', id: newId('tab'), 'aria-controls': panel.id }, title),
  )
  const choose = (at: number, focus: boolean) => {
    for (const [i, button] of buttons.entries()) {
      button.setAttribute('aria-selected', String(i === at))
      button.tabIndex = i === at ? 0 : -1
    }
    panel.setAttribute('aria-labelledby', buttons[at]!.id)
    fill(panel)
    all[at]!.draw(panel)
    if (focus) buttons[at]!.focus()
  }
  const list = h('div', { role: 'tablist', 'aria-label': label, class: 'tabs' }, buttons)
  for (const [i, button] of buttons.entries()) button.addEventListener('click', () => choose(i, false))
  list.addEventListener('keydown', (event) => {
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement)
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key]
    if (at < 0 || to === undefined) return
    event.preventDefault()
    choose((to + buttons.length) % buttons.length, true)
  })
  choose(0, false)
  return h('div', { class: 'tabbed' }, list, panel)
}
