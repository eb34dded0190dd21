import { humanBytes } from '../../base/quantities.ts'
import type { Catalog } from '../../catalog/catalog.ts'
import { property } from '../../lake/lake.ts'
import { findSnapshot, type TableMetadata } from '../../lake/metadata.ts'
import { parsePosition } from '../../model/position.ts'
import type { Places } from '../../pipeline/places.ts'
import { openDataCatalog } from '../../pipeline/readers.ts'
import { formatTable } from '../table.ts'

export interface TableSummary {
  table: string
  /** Null, as the next two, for a table of another server that is none of Iceberg. */
  rows: number | null
  files: number | null
  bytes: number | null
  /** RFC 3339 of the current snapshot; null before the first. */
  committed: string | null
  snapshot: string | null
  /** partition → next offset; null before the first commit. */
  position: Record<number, number> | null
}

/** `landfall tables`. */
export async function showTables(places: Places, { json }: { json: boolean }): Promise<void> {
  printTables(await summarizeTables(await openDataCatalog(places)), json)
}

export function printTables(tables: readonly TableSummary[], json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(tables, null, 2)}\n`)
    return
  }
  const rows = tables.map((one) => [
    one.table,
    String(one.rows ?? ''),
    String(one.files ?? ''),
    one.bytes === null ? '' : humanBytes(one.bytes),
    one.committed ?? '',
    one.snapshot ?? '',
    one.position === null ? '' : Object.values(one.position).join(','),
  ])
  const head = ['Table', 'Rows', 'Files', 'Bytes', 'Committed', 'Snapshot', 'Position']
  process.stdout.write(`${formatTable(head, rows, { right: new Set([1, 2, 3, 6]), spare: [5, 6] })}\n`)
}

export async function summarizeTables(catalog: Catalog): Promise<TableSummary[]> {
  const names = (await catalog.listTables()).sort()
  const versions = await Promise.all(names.map((name) => catalog.loadTable(name)))
  return versions.flatMap((version) =>
    version === undefined ? [] : [summarize(version.name, version.metadata)],
  )
}

function summarize(table: string, metadata: TableMetadata): TableSummary {
  const snapshot = findSnapshot(metadata)
  const total = (name: string) => Number(snapshot?.summary[name] ?? 0)
  const position = metadata.properties[property.position]
  return {
    table,
    rows: total('total-records'),
    files: total('total-data-files'),
    bytes: total('total-files-size'),
    committed: snapshot === undefined ? null : new Date(snapshot['timestamp-ms']).toISOString(),
    snapshot: snapshot === undefined ? null : String(snapshot['snapshot-id']),
    position: position === undefined ? null : parsePosition(position).next,
  }
}
