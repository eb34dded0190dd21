/** Rows as a table that scrolls by itself, with the mouse, the finger and the keyboard. */
import { h } from './dom.ts'
import type { AnswerColumn, Cell } from './trino.ts'

const NUMBER = /^(tinyint|smallint|integer|bigint|real|double|decimal|int|long)/
/** Longer text is cut in the cell; the whole is shown when it is pointed at. */
const TEXT_MAX = 300

export interface GridOptions {
  label: string
  types?: boolean
  tall?: boolean
}

export function grid(
  columns: readonly AnswerColumn[],
  rows: readonly (readonly Cell[])[],
  { label, types = true, tall = true }: GridOptions,
): HTMLElement {
  const numeric = columns.map(({ type }) => NUMBER.test(type))
  const body = h('tbody')
  for (const row of rows) {
    const line = h('tr')
    for (const [i, cell] of row.entries()) line.append(cellOf(cell, numeric[i]!))
    body.append(line)
  }
  const head = columns.map(({ name, type }, i) =>
    h(
      'th',
      { scope: 'col', class: numeric[i] ? 'number' : '' },
      name,
      types ? h('small', {}, shortType(type)) : null,
    ),
  )
  return scroller(label, h('table', {}, h('thead', {}, h('tr', {}, head)), body), tall)
}

/** What scrolls must be reachable without a mouse. */
export function scroller(label: string, table: HTMLElement, tall = false): HTMLElement {
  return h(
    'div',
    { class: tall ? 'scroll tall' : 'scroll', tabindex: '0', role: 'region', 'aria-label': label },
    table,
  )
}

function cellOf(cell: Cell, numeric: boolean): HTMLElement {
  if (cell === null) return h('td', { class: numeric ? 'null number' : 'null' }, 'null')
  const text = textOf(cell)
  if (numeric) return h('td', { class: 'number' }, text)
  const long = text.length > 60
  return h(
    'td',
    { class: long ? 'text' : '', title: long ? text.slice(0, 4000) : null },
    text.slice(0, TEXT_MAX),
  )
}

export function textOf(cell: Cell): string {
  return typeof cell === 'object' && cell !== null ? JSON.stringify(cell) : String(cell)
}

/** `timestamp(6) with time zone` is wider than any of its values. */
function shortType(type: string): string {
  return type.replace('timestamp(6) with time zone', 'timestamptz').replace(/\(6\)/, '')
}

export interface ListColumn<T> {
  title: string
  cell(row: T): Node | string | number | null
  number?: boolean
  wrap?: boolean
}

/** A table of things that are no answer of SQL. */
export function listTable<T>(
  label: string,
  columns: readonly ListColumn<T>[],
  rows: readonly T[],
): HTMLElement {
  const classOf = ({ number, wrap }: ListColumn<T>) => (number ? 'number' : wrap ? 'wrap' : '')
  return scroller(
    label,
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          columns.map((column) => h('th', { scope: 'col', class: classOf(column) }, column.title)),
        ),
      ),
      h(
        'tbody',
        {},
        rows.map((row) =>
          h(
            'tr',
            {},
            columns.map((column) => h('td', { class: classOf(column) }, column.cell(row))),
          ),
        ),
      ),
    ),
  )
}
