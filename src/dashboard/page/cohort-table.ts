/** Retention as people know it: a row for each cohort, a column for each period later, the darker the more came back. */
import { h } from './dom.ts'
import { count } from './format.ts'
import { scroller } from './grid.ts'
import type { Cell } from './trino.ts'

/** Rows: cohort, size, later, subjects, share. */
export function cohortTable(rows: readonly (readonly Cell[])[]): HTMLElement {
  const cohorts = new Map<string, { size: number; shares: Map<number, number> }>()
  let last = 0
  for (const [cohort, size, later, , share] of rows) {
    const one = cohorts.get(String(cohort)) ?? { size: Number(size), shares: new Map<number, number>() }
    one.shares.set(Number(later), Number(share))
    cohorts.set(String(cohort), one)
    last = Math.max(last, Number(later))
  }
  const places = Array.from({ length: last + 1 }, (_, i) => i)
  const head = ['Began', 'Persons', ...places.map((place) => (place === 0 ? 'Then' : `+${place}`))]
  return scroller(
    'Cohorts',
    h(
      'table',
      { class: 'cohorts' },
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          head.map((title, i) => h('th', { scope: 'col', class: i === 0 ? '' : 'number' }, title)),
        ),
      ),
      h(
        'tbody',
        {},
        [...cohorts].map(([cohort, { size, shares }]) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, cohort),
            h('td', { class: 'number' }, count(size)),
            places.map((place) => shareCell(shares.get(place))),
          ),
        ),
      ),
    ),
  )
}

function shareCell(share: number | undefined): HTMLElement {
  const cell = h('td', { class: 'number share' }, share === undefined ? '' : `${Math.round(share * 100)} %`)
  if (share !== undefined) cell.style.setProperty('--share', String(Math.round(share * 60)))
  return cell
}
