/** A table of the catalog as a relation that DuckDB reads: its pinned files, by field id. */
import { isLandfallError, LandfallError } from '../../../base/errors.ts'
import { property } from '../../../lake/lake.ts'
import { currentSchema, type Schema, type TableMetadata } from '../../../lake/metadata.ts'
import { duckdbType } from '../../../lake/schema.ts'
import { quoteIdentifier, quoteText } from '../../text.ts'

/**
 * `SELECT` over the files with the columns of the schema, in its order. A file that was written before a column came shows NULL
 * there; a renamed column is found by its field id. Without files: no rows, typed all the same.
 */
export function relationSql(metadata: TableMetadata, locations: readonly string[]): string {
  const schema = currentSchema(metadata)
  if (locations.length === 0) {
    const columns = schema.fields.map(
      ({ name, type }) => `CAST(NULL AS ${duckdbType(type)}) AS ${quoteIdentifier(name)}`,
    )
    return `SELECT ${columns.join(', ')} WHERE false`
  }
  const files = `[${locations.map((location) => quoteText(escapeGlob(location))).join(', ')}]`
  const names = schema.fields.map(({ name }) => quoteIdentifier(name)).join(', ')
  // To map columns by field id costs each question half a millisecond.
  const mapping = hasOneSpelling(metadata, schema) ? '' : `, schema = ${fieldMap(schema)}`
  return `SELECT ${names} FROM read_parquet(${files}${mapping}, hive_partitioning = false)`
}

/**
 * Whether every file of the table has these columns under these names: it has never had another schema, and no other engine has
 * written to it (Iceberg's own writers spell `User-Agent` as `User_x2DAgent` in Parquet). The spool may be ahead of the table by a
 * new column, which nobody asks for here.
 */
function hasOneSpelling({ schemas, properties }: TableMetadata, schema: Schema): boolean {
  return schemas.length === 1 && schema['schema-id'] === 0 && properties[property.staged] === undefined
}

function fieldMap(schema: Schema): string {
  const columns = schema.fields.map(
    ({ id, name, type }) =>
      `${id}: {name: ${quoteText(name)}, type: ${quoteText(duckdbType(type))}, default_value: NULL}`,
  )
  return `MAP {${columns.join(', ')}}`
}

/** DuckDB takes file names as patterns. */
export function escapeGlob(location: string): string {
  return location.replace(/[*?[]/g, '[$&]')
}

/** Equal text for equal columns. */
export function shapeOf(name: string, schema: Schema): string {
  return JSON.stringify([name, ...schema.fields.map((field) => [field.name, field.type])])
}

/** An error of the text behind a name has its place there, not in the statement. */
export function inRelation(name: string, error: unknown): unknown {
  if (!isLandfallError(error) || error.kind !== 'fix-request') return error
  const { line, column } = (error.details ?? {}) as { line?: number; column?: number }
  const place = line === undefined ? '' : ` line ${line}:${column}:`
  return new LandfallError(
    'fix-request',
    'sql/invalid-view',
    `'${name}' is invalid:${place} ${error.message}`,
    {
      hint: error.hint ?? 'Mend it in the pipeline file',
      cause: error,
    },
  )
}
