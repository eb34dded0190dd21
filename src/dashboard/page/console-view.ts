/** SQL: a statement, its answer as rows and as a drawing, and as a file. */
import type { Download, Names } from '../messages.ts'
import { chart, chartData, kindFor } from './chart.ts'
import { field, fill, h, select, setText } from './dom.ts'
import { createEditor } from './editor.ts'
import { bytes, count, plural, seconds } from './format.ts'
import { grid } from './grid.ts'
import { addToHistory, readHistory } from './history.ts'
import { getJson, postJson } from './server.ts'
import { type Answer, ask, StatementError } from './trino.ts'
import { problemBox, type View } from './view.ts'

const ROWS_MAX = 1000
const FIRST = 'SELECT event_type, count(*) AS events\nFROM events\nGROUP BY 1\nORDER BY 2 DESC'

export const consoleView: View = {
  name: 'sql',
  title: 'SQL',
  draw(host, context) {
    const { query, signal, about } = context
    const editor = createEditor(
      () => getJson<Names>('ui/api/names', signal),
      () => void run(),
    )
    const { input } = editor
    input.value = query.get('q') ?? readHistory()[0] ?? FIRST
    const runButton = h('button', { type: 'button', class: 'first', onclick: () => void run() }, 'Run')
    const cancel = h('button', { type: 'button', disabled: true }, 'Cancel')
    const note = h('p', { class: 'soft note', role: 'status' })
    const answer = h('div', { class: 'answer' })
    const history = select([])
    const files = (['csv', 'parquet'] as const).map((format) =>
      h(
        'button',
        { type: 'button', onclick: () => void download(format) },
        format === 'csv' ? 'CSV' : 'Parquet',
      ),
    )
    const showHistory = () => {
      const questions = about.questions.map(({ title, sql }) => h('option', { value: sql }, title))
      const before = readHistory().map((sql) =>
        h('option', { value: sql }, sql.replace(/\s+/g, ' ').slice(0, 90)),
      )
      fill(
        history,
        h('option', { value: '' }, 'Choose one'),
        before.length === 0 ? null : h('optgroup', { label: 'Asked before' }, before),
        questions.length === 0 ? null : h('optgroup', { label: 'Questions of the pipeline' }, questions),
      )
    }
    showHistory()
    history.addEventListener('change', () => {
      if (history.value !== '') input.value = history.value
      history.value = ''
    })
    fill(
      host,
      h('h1', {}, 'SQL'),
      editor.element,
      h(
        'div',
        { class: 'controls' },
        h('div', { class: 'buttons' }, runButton, cancel),
        h('div', { class: 'buttons', role: 'group', 'aria-label': 'The whole answer as a file' }, files),
        wide(field('History and questions', history)),
      ),
      note,
      answer,
    )

    let stop: AbortController | undefined
    /** One at a time; what is under way ends when the view does. */
    const busy = async (work: (signal: AbortSignal) => Promise<void>) => {
      stop?.abort()
      const own = new AbortController()
      stop = own
      const isOver = AbortSignal.any([own.signal, signal])
      for (const button of [runButton, ...files]) button.disabled = true
      cancel.disabled = false
      try {
        await work(isOver)
      } catch (error) {
        // Another has begun since, and what is shown is its.
        if (stop !== own) return
        if (isOver.aborted) setText(note, 'Cancelled.')
        else {
          setText(note, '')
          fill(answer, problemBox(error))
          pointAt(input, error)
        }
      }
      if (stop !== own) return
      for (const button of [runButton, ...files]) button.disabled = false
      // A button that is switched off loses the focus to nowhere.
      if (document.activeElement === cancel) input.focus()
      cancel.disabled = true
    }
    cancel.addEventListener('click', () => stop?.abort())

    const run = () =>
      busy(async (signal) => {
        const sql = statementOf(input.value)
        setText(note, 'Running')
        const found = await ask(sql, {
          user: about.user,
          rowsMax: ROWS_MAX,
          signal,
          onProgress: (state, percentage) =>
            setText(
              note,
              state === 'QUEUED' ? 'Waiting for a place' : `Running, ${Math.floor(percentage)} %`,
            ),
        })
        addToHistory(sql.trim())
        showHistory()
        setText(note, summaryOf(found))
        fill(answer, drawAnswer(found))
      })

    const download = (format: 'csv' | 'parquet') =>
      busy(async (signal) => {
        setText(note, 'Making the file')
        const sql = statementOf(input.value)
        const made = await postJson<Download>('ui/api/downloads', { sql, format }, signal)
        setText(note, `${plural(made.rows, 'row')}, ${bytes(made.bytes)}`)
        h('a', { href: made.path, download: `answer.${format}` }).click()
      })

    if (query.get('q') !== null) void run()
  },
}

function wide(element: HTMLElement): HTMLElement {
  element.classList.add('grow')
  return element
}

/** Without the semicolon that people end statements with; what stands before stays, so that a place in it is one in the text. */
function statementOf(text: string): string {
  return text.trimEnd().replace(/;$/, '')
}

function summaryOf({ rows, cut, elapsedMs, warnings }: Answer): string {
  const what = cut ? `The first ${count(rows.length)} rows` : plural(rows.length, 'row')
  return [`${what} in ${seconds(elapsedMs / 1000)}`, ...warnings].join('. ')
}

function drawAnswer({ columns, rows }: Answer): HTMLElement[] {
  const data = chartData(columns, rows)
  const table = grid(columns, rows, { label: 'Answer' })
  if (data === undefined) return [table]
  const kinds = select(
    [
      ['bars', 'Bars'],
      ['lines', 'Lines'],
      ['none', 'None'],
    ],
    kindFor(data),
  )
  const drawing = h('div')
  const draw = () =>
    fill(drawing, kinds.value === 'none' ? null : chart(data, kinds.value as 'bars' | 'lines', 'Answer'))
  kinds.addEventListener('change', draw)
  draw()
  return [
    h(
      'section',
      { class: 'panel', 'aria-label': 'Drawing of the answer' },
      h('div', { class: 'controls' }, field('Chart', kinds)),
      drawing,
    ),
    table,
  ]
}

/** Puts the cursor where the statement is wrong. */
function pointAt(input: HTMLTextAreaElement, error: unknown): void {
  if (!(error instanceof StatementError) || error.line === undefined || error.column === undefined) return
  const lines = input.value.split('\n')
  const before = lines.slice(0, error.line - 1).reduce((sum, line) => sum + line.length + 1, 0)
  const place = before + error.column - 1
  const end = place + (/^\w+/.exec(input.value.slice(place))?.[0].length ?? 1)
  input.focus()
  input.setSelectionRange(place, end)
}
