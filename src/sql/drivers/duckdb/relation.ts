/** A table of the catalog as a relation that DuckDB reads: its pinned files, by field id. */
import type { Schema } from '../../../lake/metadata.ts'
import { duckdbType } from '../../../lake/schema.ts'
import { quoteIdentifier, quoteText } from '../../text.ts'

/**
 * `SELECT` over the files with the columns of the schema, in its order. A file that was written before a column came shows NULL
 * there; a renamed column is found by its field id. Without files: no rows, typed all the same.
 */
export function relationSql(schema: Schema, locations: readonly string[]): string {
  const fields = schema.fields.map((field) => ({ ...field, type: duckdbType(field.type) }))
  if (locations.length === 0) {
    const columns = fields.map(({ name, type }) => `CAST(NULL AS ${type}) AS ${quoteIdentifier(name)}`)
    return `SELECT ${columns.join(', ')} WHERE false`
  }
  const columns = fields.map(
    ({ id, name, type }) =>
      `${id}: {name: ${quoteText(name)}, type: ${quoteText(type)}, default_value: NULL}`,
  )
  const files = locations.map((location) => quoteText(escapeGlob(location)))
  return `SELECT * FROM read_parquet([${files.join(', ')}], schema = MAP {${columns.join(', ')}}, hive_partitioning = false)`
}

/** DuckDB takes file names as patterns. */
function escapeGlob(location: string): string {
  return location.replace(/[*?[]/g, '[$&]')
}

/** Equal text for equal columns. */
export function shapeOf(name: string, schema: Schema): string {
  return JSON.stringify([name, ...schema.fields.map((field) => [field.name, field.type])])
}
