/** The tables, and one of them: rows now and as of a snapshot, columns, snapshots, files. */
import type { SnapshotEntry, TableDetail, TableEntry } from '../messages.ts'
import { field, fill, h, select, setText } from './dom.ts'
import { bytes, count, plural, time } from './format.ts'
import { grid, listTable } from './grid.ts'
import { getJson } from './server.ts'
import { tabs } from './tabs.ts'
import { ask } from './trino.ts'
import { problemBox, type View, type ViewContext } from './view.ts'

const ROWS = 100

export const tablesView: View = {
  name: 'tables',
  title: 'Tables',
  draw(host, context) {
    const name = context.path[0]
    const drawing = name === undefined ? drawTables(host, context) : drawTable(host, name, context)
    drawing.catch((error: unknown) => fill(host, h('h1', {}, name ?? 'Tables'), problemBox(error)))
  },
}

async function drawTables(host: HTMLElement, { signal }: ViewContext): Promise<void> {
  fill(host, h('h1', {}, 'Tables'), h('p', { class: 'soft', role: 'status' }, 'Reading the catalog'))
  const tables = await getJson<TableEntry[]>('ui/api/tables', signal)
  const number = (value: number | null) => (value === null ? '' : count(value))
  fill(
    host,
    h('h1', {}, 'Tables'),
    listTable<TableEntry>(
      'Tables',
      [
        { title: 'Name', cell: ({ name, kind }) => nameCell(name, kind) },
        { title: 'Rows', number: true, cell: ({ rows }) => number(rows) },
        { title: 'Columns', number: true, cell: ({ columns }) => number(columns.length || null) },
        { title: 'Files', number: true, cell: ({ files }) => number(files) },
        { title: 'Size', number: true, cell: (table) => (table.bytes === null ? '' : bytes(table.bytes)) },
        { title: 'Batch', number: true, cell: ({ batch }) => number(batch) },
        {
          title: 'Committed (UTC)',
          cell: ({ committedAt }) => (committedAt === null ? '' : time(committedAt)),
        },
      ],
      tables,
    ),
    h('p', { class: 'soft' }, 'As committed. A question in SQL also sees the events that wait to land.'),
  )
}

function nameCell(name: string, kind: TableEntry['kind']): HTMLElement {
  if (kind === 'table') return h('a', { href: `#/tables/${encodeURIComponent(name)}` }, name)
  const sql = `SELECT * FROM ${name} LIMIT 100`
  return h(
    'span',
    {},
    h('a', { href: `#/sql?${new URLSearchParams({ q: sql })}` }, name),
    h('span', { class: 'soft' }, kind === 'view' ? ' view' : ' reference file'),
  )
}

async function drawTable(host: HTMLElement, name: string, context: ViewContext): Promise<void> {
  fill(host, h('h1', {}, name))
  const table = await getJson<TableDetail>(`ui/api/tables/${encodeURIComponent(name)}`, context.signal)
  fill(
    host,
    h('p', { class: 'crumb' }, h('a', { href: '#/tables' }, 'Tables'), ' /'),
    h('h1', {}, name),
    h(
      'p',
      { class: 'soft' },
      `${plural(table.rows ?? 0, 'row')} in ${plural(table.files ?? 0, 'file')}, ${bytes(table.bytes ?? 0)}`,
      table.partitionedBy === '' ? '' : `, by ${table.partitionedBy}`,
    ),
    tabs(`Table ${name}`, [
      { title: 'Rows', draw: (panel) => drawRows(panel, table, context) },
      { title: 'Columns', draw: (panel) => panel.append(columnsTable(table)) },
      { title: 'Snapshots', draw: (panel) => panel.append(snapshotsTable(table)) },
      { title: 'Files', draw: (panel) => panel.append(filesTable(table)) },
    ]),
  )
}

function drawRows(panel: HTMLElement, table: TableDetail, { about, signal }: ViewContext): void {
  const asOf = select([
    ['', 'Now, with what waits to land'],
    ...table.snapshots.map((snapshot) => [snapshot.id, labelOf(snapshot)] as const),
  ])
  const note = h('p', { class: 'soft', role: 'status' })
  const rows = h('div')
  let shown = 0
  const show = async () => {
    const own = ++shown
    setText(note, 'Reading')
    try {
      const found = await ask(newestRows(table, asOf.value), { user: about.user, rowsMax: ROWS, signal })
      if (own !== shown) return
      setText(note, found.rows.length < ROWS ? plural(found.rows.length, 'row') : `The newest ${ROWS} rows`)
      fill(rows, grid(found.columns, found.rows, { label: `Rows of ${table.name}` }))
    } catch (error) {
      if (own !== shown) return
      setText(note, '')
      fill(rows, problemBox(error))
    }
  }
  asOf.addEventListener('change', () => void show())
  fill(panel, h('div', { class: 'controls' }, field('As of', asOf), note), rows)
  void show()
}

/** By when they came, where the table says so. `snapshot`: none is now. */
function newestRows({ name, columns }: TableDetail, snapshot: string): string {
  const time = ['received_at', 'timestamp'].find((one) => columns.some((column) => column.name === one))
  const version = snapshot === '' ? '' : ` FOR VERSION AS OF ${snapshot}`
  return `SELECT * FROM "${name}"${version}${time === undefined ? '' : ` ORDER BY "${time}" DESC`} LIMIT ${ROWS}`
}

function labelOf({ committedAt, batch, rows }: SnapshotEntry): string {
  return `${time(committedAt)}${batch === null ? '' : `, batch ${batch}`}, ${plural(rows, 'row')}`
}

function columnsTable({ columns }: TableDetail): HTMLElement {
  return listTable(
    'Columns',
    [
      { title: 'Column', cell: ({ name }) => h('code', {}, name) },
      { title: 'Type', cell: ({ type }) => h('code', {}, type) },
    ],
    columns,
  )
}

function snapshotsTable({ snapshots }: TableDetail): HTMLElement {
  return listTable<SnapshotEntry>(
    'Snapshots',
    [
      { title: 'Committed (UTC)', cell: ({ committedAt }) => time(committedAt) },
      { title: 'Operation', cell: ({ operation, current }) => `${operation}${current ? ', current' : ''}` },
      { title: 'Batch', number: true, cell: ({ batch }) => (batch === null ? '' : count(batch)) },
      { title: 'Rows added', number: true, cell: ({ addedRows }) => count(addedRows) },
      { title: 'Files added', number: true, cell: ({ addedFiles }) => count(addedFiles) },
      { title: 'Rows', number: true, cell: ({ rows }) => count(rows) },
      { title: 'Files', number: true, cell: ({ files }) => count(files) },
      { title: 'Snapshot', number: true, cell: ({ id }) => h('code', {}, id) },
    ],
    snapshots,
  )
}

function filesTable({ newestFiles, files, location }: TableDetail): HTMLElement {
  const more =
    (files ?? 0) > newestFiles.length ? `, the newest ${newestFiles.length} of ${count(files!)}` : ''
  return h(
    'div',
    {},
    h('p', { class: 'soft' }, `In ${location}${more}`),
    listTable(
      'Files',
      [
        { title: 'Partition', cell: ({ partition }) => partition },
        { title: 'Rows', number: true, cell: ({ rows }) => count(rows) },
        { title: 'Size', number: true, cell: (file) => bytes(file.bytes) },
        { title: 'Path', cell: ({ path }) => h('code', {}, path) },
      ],
      newestFiles,
    ),
  )
}
