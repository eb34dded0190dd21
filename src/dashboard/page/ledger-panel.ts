/** The sum of the ledger, in figures and as a bar. */
import type { LedgerSum } from '../messages.ts'
import { h, setAttribute, setText } from './dom.ts'
import { count } from './format.ts'

const PARTS = [
  ['landed', 'landed'],
  ['dead', 'dead letters'],
  ['duplicate', 'duplicates'],
  ['pending', 'pending'],
] as const

export interface LedgerPanel {
  readonly element: HTMLElement
  show(ledger: LedgerSum | null): void
}

export function createLedgerPanel(): LedgerPanel {
  const accepted = h('dd', {})
  const figures = PARTS.map(([key, title]) => ({
    key,
    title,
    value: h('dd', {}),
    bar: h('span', { class: `part ${key}` }),
  }))
  const state = h('p', { class: 'closes' })
  const bar = h(
    'div',
    { class: 'sum-bar', 'aria-hidden': 'true' },
    figures.map((one) => one.bar),
  )
  const element = h(
    'section',
    { class: 'panel', 'aria-labelledby': 'ledger-title' },
    h('div', { class: 'panel-head' }, h('h2', { id: 'ledger-title' }, 'Ledger'), state),
    h(
      'dl',
      { class: 'sum' },
      h('div', { class: 'total' }, h('dt', {}, 'accepted'), accepted),
      figures.map(({ key, title, value }) =>
        h('div', {}, h('dt', {}, h('span', { class: `key ${key}`, 'aria-hidden': 'true' }), title), value),
      ),
    ),
    bar,
  )
  return {
    element,
    show(ledger) {
      setText(accepted, ledger === null ? '–' : count(ledger.accepted))
      for (const { key, value, bar: part } of figures) {
        setText(value, ledger === null ? '–' : count(ledger[key]))
        // What is there is seen, however small its share.
        const share = ledger === null || ledger.accepted === 0 ? 0 : ledger[key] / ledger.accepted
        part.style.flexGrow = String(share === 0 ? 0 : Math.max(share, 0.004))
      }
      setText(state, ledger === null ? '' : ledger.closes ? 'The sum closes' : 'The sum does not close')
      setAttribute(state, 'class', `closes ${ledger === null ? '' : ledger.closes ? 'ok' : 'bad'}`)
    },
  }
}
