import { mkdir, rename, rm, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { checksumOfFile, nameWithChecksum } from '../base/checksum.ts'
import type { ColumnStatistics, TableState } from './lake.ts'
import { type PartitionSpec, partitionSpec, type Schema } from './metadata.ts'
import { type PartitionValues, partitionExpression, singlePartition } from './partition.ts'
import { duckdbType, quoteName, quoteText } from './schema.ts'
import { type CopyStatistics, columnStatistics } from './statistics.ts'

/** What a table's Parquet files look like. */
export interface ParquetLayout {
  schema: Schema
  partition: PartitionSpec
  codec: 'snappy' | 'zstd'
  /** Rows of a row group; DuckDB's 122,880 when absent. */
  rowGroupRows?: number
}

/** A written Parquet file: rows of one partition, with everything a manifest says of it. Not synced. */
export interface ParquetFile {
  /** Local path, whose name bears the checksum of the file (`checksumInName`). */
  location: string
  rows: number
  bytes: number
  partition: PartitionValues
  columns: Map<number, ColumnStatistics>
}

/** The layout that the files of a table have now. */
export function parquetLayout(state: TableState): ParquetLayout {
  const codec = state.metadata.properties['write.parquet.compression-codec']
  return {
    schema: state.schema,
    partition: partitionSpec(state.metadata),
    codec: codec === 'zstd' ? 'zstd' : 'snappy',
  }
}

/**
 * Writes the rows of a SELECT, which has the schema's columns by name, to `<directory>/<baseName>-crc32c-<checksum>.parquet`, or to
 * `<baseName>-0-crc32c-…`, `-1-…` … when they belong to several partitions. The directory must be there. No rows, no file.
 *
 * Field ids go into the file and its statistics come back from the same COPY, so nothing is read again. Whether all rows
 * are of one partition is told from those statistics; only when they are not (midnight, a day of history) is the file
 * read again and split.
 */
export async function writeParquet(
  connection: DuckDBConnection,
  layout: ParquetLayout,
  select: string,
  directory: string,
  baseName: string,
): Promise<ParquetFile[]> {
  const whole = join(directory, `${baseName}.parquet`)
  const columns = layout.schema.fields.map(
    (field) => `CAST(${quoteName(field.name)} AS ${duckdbType(field.type)}) AS ${quoteName(field.name)}`,
  )
  let rows: CopyStatistics[]
  try {
    rows = await copy(connection, layout, `SELECT ${columns.join(', ')} FROM (${select}) AS t`, whole)
  } catch (error) {
    // What a full disk or an interrupted query left.
    await rm(whole, { force: true })
    throw error
  }
  const file = rows[0]
  if (file === undefined || Number(file.count) === 0) {
    await unlink(whole)
    return []
  }
  const statistics = columnStatistics(file, layout.schema)
  const partition = singlePartition(layout.partition, layout.schema, statistics)
  if (partition !== undefined) return [await named(parquetFile(file, whole, partition, statistics))]
  try {
    const parts = await splitFile(connection, layout, whole, directory, baseName)
    return await Promise.all(parts.map(named))
  } finally {
    await unlink(whole)
  }
}

/** The file under the name that bears its checksum. Its bytes are read from memory, where they have just been written. */
async function named(file: ParquetFile): Promise<ParquetFile> {
  const checksum = await checksumOfFile(file.location, file.bytes)
  const stem = file.location.slice(0, -'.parquet'.length)
  const location = nameWithChecksum(stem, checksum, 'parquet')
  await rename(file.location, location)
  return { ...file, location }
}

/** DuckDB's option that gives the columns of a written file their field ids. */
function fieldIds(schema: Schema): string {
  return `{${schema.fields.map((field) => `${quoteText(field.name)}: ${field.id}`).join(', ')}}`
}

async function copy(
  connection: DuckDBConnection,
  layout: ParquetLayout,
  select: string,
  target: string,
  options = '',
): Promise<CopyStatistics[]> {
  const rowGroup = layout.rowGroupRows === undefined ? '' : `, ROW_GROUP_SIZE ${layout.rowGroupRows}`
  const sql = `COPY (${select}) TO ${quoteText(target)} (FORMAT parquet, COMPRESSION ${layout.codec}, RETURN_STATS, FIELD_IDS ${fieldIds(layout.schema)}${rowGroup}${options})`
  const result = await connection.runAndReadAll(sql)
  return result.getRowObjectsJson() as unknown as CopyStatistics[]
}

/** One file per partition from a file of several. DuckDB makes `column=value` folders; the files move up out of them. */
async function splitFile(
  connection: DuckDBConnection,
  layout: ParquetLayout,
  whole: string,
  directory: string,
  baseName: string,
): Promise<ParquetFile[]> {
  const folder = join(directory, `${baseName}.split`)
  const fields = layout.partition.fields
  const keys = fields.map((_, index) => `__partition_${index}`)
  const values = fields.map(
    (field, index) => `${partitionExpression(field, layout.schema)} AS ${keys[index]}`,
  )
  await mkdir(folder)
  try {
    const select = `SELECT *, ${values.join(', ')} FROM read_parquet(${quoteText(whole)}, hive_partitioning = false)`
    const rows = await copy(
      connection,
      layout,
      select,
      folder,
      `, PARTITION_BY (${keys.join(', ')}), OVERWRITE_OR_IGNORE`,
    )
    const files: ParquetFile[] = []
    for (const row of rows) {
      const location = join(dirname(whole), `${baseName}-${files.length}.parquet`)
      await rename(row.filename, location)
      const partition: PartitionValues = {}
      fields.forEach((field, index) => {
        const value = row.partition_keys?.find((key) => key.key === keys[index])?.value ?? null
        partition[field.name] = value === null ? null : Number(value)
      })
      files.push(parquetFile(row, location, partition, columnStatistics(row, layout.schema)))
    }
    return files
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function parquetFile(
  row: CopyStatistics,
  location: string,
  partition: PartitionValues,
  columns: Map<number, ColumnStatistics>,
): ParquetFile {
  return { location, rows: Number(row.count), bytes: Number(row.file_size_bytes), partition, columns }
}

/**
 * `read_parquet(…)` over files of a table as one schema: columns are found by field id, so a renamed or a later column
 * reads right from every file (absent: null).
 */
export function readParquet(schema: Schema, locations: readonly string[]): string {
  const fields = schema.fields.map(
    (field) =>
      `${field.id}: {name: ${quoteText(field.name)}, type: ${quoteText(duckdbType(field.type))}, default_value: NULL}`,
  )
  return `read_parquet([${locations.map(quoteText).join(', ')}], schema = MAP {${fields.join(', ')}})`
}
