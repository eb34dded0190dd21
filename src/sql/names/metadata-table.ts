import type { ResultColumn, Value } from '../sql.ts'
import type { Contents } from './contents.ts'

/** A relation whose rows are computed from what the catalog holds when it is asked. */
export interface MetadataTable {
  columns: readonly ResultColumn[]
  rows(contents: Contents): Value[][] | Promise<Value[][]>
}

/** Columns as `name type` with commas between; without a type it is varchar. */
export function columnsOf(text: string): ResultColumn[] {
  return text.split(/,\s*(?![^(]*\))/).map((part) => {
    const [name = '', ...type] = part.trim().split(/\s+/)
    return { name, type: type.join(' ') || 'varchar' }
  })
}

/** A table that has columns and, here, never a row. */
export function emptyTable(text: string): MetadataTable {
  return { columns: columnsOf(text), rows: () => [] }
}
