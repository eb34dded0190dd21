/** Lists over catalogs, as several metadata relations show them. */
import { CATALOG, SCHEMA } from '../commands.ts'
import type { ResultColumn } from '../sql.ts'
import type { Contents } from './contents.ts'

export interface Listed {
  catalog: string
  schema: string
  name: string
  isView: boolean
  columns(): Promise<readonly ResultColumn[]>
}

export function listSchemas(contents: Contents, catalog: string): string[] {
  return Object.keys(contents.catalogs[catalog] ?? {}).toSorted()
}

/** The relations of one catalog. */
export function listRelations(contents: Contents, catalog: string): Listed[] {
  const fixed = listSchemas(contents, catalog).flatMap((schema) =>
    Object.entries(contents.catalogs[catalog]![schema]!).map(([name, table]) => ({
      catalog,
      schema,
      name,
      isView: false,
      columns: () => Promise.resolve(table.columns),
    })),
  )
  if (catalog !== CATALOG) return fixed
  const held = contents.entries.map((entry) => ({
    catalog,
    schema: SCHEMA,
    name: entry.name,
    isView: entry.kind === 'view',
    columns: () => contents.columns(entry),
  }))
  return [...held, ...fixed]
}

/** One row for each column of each relation. */
export async function listColumns<T>(
  relations: readonly Listed[],
  row: (relation: Listed, column: ResultColumn, ordinal: number) => T,
): Promise<T[]> {
  const columns = await Promise.all(relations.map((relation) => relation.columns()))
  return relations.flatMap((relation, i) => columns[i]!.map((column, j) => row(relation, column, j + 1)))
}
