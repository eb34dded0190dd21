/** What is in the tables, from their metadata: wakes no engine. */
import type { Lake, PinnedFile, TableState } from '../lake/lake.ts'
import { property } from '../lake/lake.ts'
import { findSnapshot, partitionSpec, type Snapshot } from '../lake/metadata.ts'
import { trinoTypeOf } from '../sql/column-type.ts'
import { notFound } from './http.ts'
import type { FileEntry, SnapshotEntry, TableDetail, TableEntry } from './messages.ts'

const FILES_MAX = 200

export interface NamedTables {
  views: readonly { name: string }[]
  reference: readonly { name: string }[]
}

export async function listTables(lake: Lake, named: NamedTables): Promise<TableEntry[]> {
  const names = (await lake.listTables()).toSorted()
  const states = await Promise.all(names.map((name) => lake.load(name)))
  const other = (kind: 'view' | 'reference') => (one: { name: string }) => ({
    ...NOTHING,
    name: one.name,
    kind,
  })
  return [
    ...states.flatMap((state) => (state === undefined ? [] : [entryOf(state)])),
    ...named.views.map(other('view')),
    ...named.reference.map(other('reference')),
  ]
}

/** Throws `dashboard/not-found`. */
export async function describeTable(lake: Lake, name: string): Promise<TableDetail> {
  const state = (await lake.listTables()).includes(name) ? await lake.load(name) : undefined
  if (state === undefined) throw notFound(`there is no table ${name}`)
  const { metadata } = state
  const files = await lake.files(state)
  return {
    ...entryOf(state),
    location: metadata.location,
    partitionedBy: partitionSpec(metadata)
      .fields.map(({ name }) => name)
      .join(', '),
    snapshots: metadata.snapshots
      .map((snapshot) => snapshotOf(snapshot, metadata['current-snapshot-id']))
      .reverse(),
    newestFiles: files.slice(-FILES_MAX).reverse().map(fileOf),
  }
}

const NOTHING = { rows: null, files: null, bytes: null, batch: null, committedAt: null, columns: [] }

function entryOf({ name, schema, batch, metadata }: TableState): TableEntry {
  const snapshot = findSnapshot(metadata)
  const total = (key: string) => Number(snapshot?.summary[key] ?? 0)
  return {
    name,
    kind: 'table',
    rows: total('total-records'),
    files: total('total-data-files'),
    bytes: total('total-files-size'),
    batch,
    committedAt: snapshot?.['timestamp-ms'] ?? null,
    columns: schema.fields.map((field) => ({ name: field.name, type: trinoTypeOf(field.type) })),
  }
}

function snapshotOf(snapshot: Snapshot, current: bigint | undefined): SnapshotEntry {
  const { summary } = snapshot
  const batch = summary[property.batch]
  return {
    id: String(snapshot['snapshot-id']),
    committedAt: snapshot['timestamp-ms'],
    operation: summary['operation'] ?? 'append',
    batch: batch === undefined ? null : Number(batch),
    addedRows: Number(summary['added-records'] ?? 0),
    addedFiles: Number(summary['added-data-files'] ?? 0),
    rows: Number(summary['total-records'] ?? 0),
    files: Number(summary['total-data-files'] ?? 0),
    current: snapshot['snapshot-id'] === current,
  }
}

function fileOf({ path, rows, bytes, partition }: PinnedFile): FileEntry {
  const values = Object.entries(partition).map(([name, value]) => `${name}=${partitionText(name, value)}`)
  return { path, rows, bytes, partition: values.join(' ') }
}

/** A day is kept as days since 1970. */
function partitionText(name: string, value: number | string | null): string {
  if (typeof value !== 'number' || !name.endsWith('_day')) return String(value)
  return new Date(value * 86_400_000).toISOString().slice(0, 10)
}
