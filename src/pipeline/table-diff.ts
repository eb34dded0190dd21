/** What a pipeline's tables would change in a lake. */
import { isLandfallError } from '../base/errors.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { currentSchema, type TableMetadata } from '../lake/metadata.ts'
import { evolveSchema, icebergType } from '../lake/schema.ts'
import { RESERVED_TABLES, type TableDefinition } from '../model/pipeline.ts'

export interface ColumnChange {
  column: string
  change: 'added' | 'changed' | 'removed'
  /** Iceberg types; null where the column is not. */
  before: string | null
  after: string | null
}

export interface TableDiff {
  table: string
  change: 'new' | 'same' | 'grows' | 'breaks' | 'left'
  columns: ColumnChange[]
  /** Why it breaks and what to do, when it does. */
  problem: string | null
}

/** Tables of the pipeline in their order, then tables of the lake that the pipeline does not have any more. */
export async function diffTables(tables: readonly TableDefinition[], catalog: Catalog): Promise<TableDiff[]> {
  const diffs: TableDiff[] = []
  for (const definition of tables) {
    const found = await catalog.loadTable(definition.name)
    diffs.push(found === undefined ? newTable(definition) : diffTable(definition, found.metadata))
  }
  const known = new Set<string>([...tables.map(({ name }) => name), ...RESERVED_TABLES])
  const left = (await catalog.listTables()).filter((name) => !known.has(name)).sort()
  return [
    ...diffs,
    ...left.map((table): TableDiff => ({ table, change: 'left', columns: [], problem: null })),
  ]
}

export function newTable({ name, columns }: TableDefinition): TableDiff {
  const added = columns.map((column): ColumnChange => {
    return { column: column.name, change: 'added', before: null, after: icebergType(column.type) }
  })
  return { table: name, change: 'new', columns: added, problem: null }
}

function diffTable(definition: TableDefinition, metadata: TableMetadata): TableDiff {
  const columns = diffColumns(definition, metadata)
  const problem = problemOf(definition, metadata)
  const change = problem !== null ? 'breaks' : columns.length > 0 ? 'grows' : 'same'
  return { table: definition.name, change, columns, problem }
}

function diffColumns(definition: TableDefinition, metadata: TableMetadata): ColumnChange[] {
  const before = new Map(currentSchema(metadata).fields.map((field) => [field.name, field.type as string]))
  const after = new Map(definition.columns.map((column) => [column.name, icebergType(column.type) as string]))
  const changes: ColumnChange[] = []
  for (const [column, type] of after) {
    const was = before.get(column)
    if (was === undefined) changes.push({ column, change: 'added', before: null, after: type })
    else if (was !== type) changes.push({ column, change: 'changed', before: was, after: type })
  }
  for (const [column, type] of before) {
    if (!after.has(column)) changes.push({ column, change: 'removed', before: type, after: null })
  }
  return changes
}

/** The lake is the judge of what breaks, so that `check` and the start of a lander never differ. */
function problemOf(definition: TableDefinition, metadata: TableMetadata): string | null {
  try {
    evolveSchema(metadata, definition)
    return null
  } catch (error) {
    if (!isLandfallError(error, 'lake/breaking-change')) throw error
    return `${error.message}. ${error.hint}`
  }
}
