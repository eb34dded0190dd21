/** Questions about persons by choosing events and fields; the statement behind each answer is shown, and can be taken on to SQL. */
import type { AnalysisStatement } from '../messages.ts'
import { analysisForm, KINDS } from './analysis-form.ts'
import { chart, chartData, kindFor } from './chart.ts'
import { cohortTable } from './cohort-table.ts'
import { field, fill, h, select, setText } from './dom.ts'
import { plural, seconds } from './format.ts'
import { grid } from './grid.ts'
import { postJson } from './server.ts'
import { type Answer, ask, type Cell } from './trino.ts'
import { problemBox, type View } from './view.ts'

const ROWS_MAX = 1000

export const analyseView: View = {
  name: 'analyse',
  title: 'Analyse',
  draw(host, { about, query, signal }) {
    const kind = select(
      KINDS.map(({ name, title }) => [name, title] as const),
      query.get('kind') ?? 'funnel',
    )
    const options = h('div', { class: 'controls' })
    const note = h('p', { class: 'soft', role: 'status' })
    const answer = h('div', { class: 'answer' })
    const run = h('button', { type: 'submit', class: 'first' }, 'Show')
    const form = h(
      'form',
      { class: 'analysis panel' },
      h('div', { class: 'controls' }, field('Question', kind)),
      options,
      h('div', {}, run),
    )
    const text = h('p', { class: 'soft' })
    fill(host, h('h1', {}, 'Analyse'), text, form, note, answer)
    let read: () => Record<string, unknown> = () => ({})
    const show = () => {
      const chosen = KINDS.find(({ name }) => name === kind.value) ?? KINDS[0]!
      setText(text, chosen.text)
      read = analysisForm(options, chosen, about)
    }
    kind.addEventListener('change', show)
    show()
    let asked = 0
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      const own = ++asked
      const chosen = kind.value
      setText(note, 'Asking')
      const work = async () => {
        const statement = await postJson<AnalysisStatement>(
          'ui/api/analyses',
          { kind: chosen, ...read() },
          signal,
        )
        const found = await ask(statement.sql, { user: about.user, rowsMax: ROWS_MAX, signal })
        if (own !== asked) return
        setText(note, `${plural(found.rows.length, 'row')} in ${seconds(found.elapsedMs / 1000)}`)
        fill(answer, drawAnalysis(chosen, statement, found))
      }
      work().catch((error: unknown) => {
        if (own !== asked) return
        setText(note, '')
        fill(answer, problemBox(error))
      })
    })
  },
}

function drawAnalysis(kind: string, statement: AnalysisStatement, found: Answer): HTMLElement[] {
  const { columns } = statement
  const rows = found.rows.map((row) => row.map((cell, i) => shown(cell, columns[i]?.kind)))
  const drawing = found.rows.length === 0 ? null : draw(kind, columns, found)
  return [
    h(
      'section',
      { class: 'panel', 'aria-label': 'Drawing of the answer' },
      drawing ??
        h(
          'p',
          { class: 'soft' },
          found.rows.length === 0 ? 'No events fit.' : 'The answer is in the table below.',
        ),
    ),
    grid(
      found.columns.map(({ name, type }, i) => ({
        name: name.replaceAll('_', ' '),
        type: columns[i]?.kind === 'share' ? 'decimal' : type,
      })),
      rows,
      { label: 'Answer', types: false },
    ),
    h(
      'details',
      { class: 'panel sql' },
      h('summary', {}, 'The SQL behind it'),
      h('pre', {}, statement.sql),
      h('p', {}, h('a', { href: `#/sql?${new URLSearchParams({ q: statement.sql })}` }, 'Open in SQL')),
      h(
        'dl',
        { class: 'pairs' },
        columns.map(({ name, text }) => h('div', {}, h('dt', {}, h('code', {}, name)), h('dd', {}, text))),
      ),
    ),
  ]
}

function draw(kind: string, columns: AnalysisStatement['columns'], found: Answer): HTMLElement | null {
  if (kind === 'retention') return cohortTable(found.rows)
  // What is measured, without shares of it and without places in a row.
  const isDrawn = (i: number) => !['share', 'order', 'duration'].includes(columns[i]?.kind ?? '')
  const keep = found.columns.flatMap((_, i) => (isDrawn(i) ? [i] : []))
  const one = kind === 'top' || kind === 'funnel' ? keep.slice(0, 2) : keep
  const labels = one.filter((i) => columns[i]!.kind === 'label' || columns[i]!.kind === 'period')
  const numbers = one.filter((i) => !labels.includes(i))
  const data = chartData(
    [
      { name: 'label', type: labels.some((i) => columns[i]!.kind === 'period') ? 'date' : 'varchar' },
      ...numbers.map((i) => found.columns[i]!),
    ],
    found.rows.map((row) => [labelOf(labels.map((i) => row[i]!)), ...numbers.map((i) => row[i]!)]),
  )
  return data === undefined ? null : chart(data, kindFor(data), kind)
}

function labelOf(cells: readonly Cell[]): string {
  const parts = cells.filter((cell) => cell !== null).map(String)
  return parts.length === 0 ? 'none' : parts.join(' → ')
}

function shown(cell: Cell, kind: string | undefined): Cell {
  if (cell === null) return '–'
  if (typeof cell !== 'number') return cell
  if (kind === 'share') return `${(cell * 100).toFixed(1)} %`
  return kind === 'duration' ? seconds(cell) : Number.isInteger(cell) ? cell : Math.round(cell * 100) / 100
}
