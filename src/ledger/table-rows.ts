/** Looks for rows in the files of a table: first by what the manifests say of each file, then with DuckDB in those that are left. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Lake, PinnedFile, TableState } from '../lake/lake.ts'
import { readParquet } from '../lake/parquet.ts'
import { quoteName, quoteText } from '../lake/schema.ts'

/** A value that a column must have; numbers and times (µs) prune files by their bounds, and texts by the first characters. */
export interface Wanted {
  column: string
  value: string | number
}

/** A row and the file it stands in. */
export interface FoundRow {
  file: PinnedFile
  values: Record<string, string | null>
}

export class TableRows {
  readonly #lake: Lake
  readonly #connection: DuckDBConnection

  constructor(lake: Lake, connection: DuckDBConnection) {
    this.#lake = lake
    this.#connection = connection
  }

  /** At most `max` rows with these values, with the columns of `show` as text. A table without one of the wanted columns has none. */
  async find(
    state: TableState,
    wanted: readonly Wanted[],
    show: readonly string[],
    max: number,
  ): Promise<FoundRow[]> {
    const names = new Set(state.schema.fields.map(({ name }) => name))
    if (!wanted.every(({ column }) => names.has(column))) return []
    const files = (await this.#lake.files(state)).filter((file) =>
      wanted.every((one) => mayHave(state, file, one)),
    )
    if (files.length === 0) return []
    const columns = show.filter((name) => names.has(name))
    const where = wanted.map((one) => conditionOf(state, one)).join(' AND ')
    const rows = await this.#read(state, files, columns, where, max).catch(async (error: unknown) => {
      await this.#check(files)
      throw error
    })
    // Damage may make rows and hide them: what is found stands on files that are whole, and so does that nothing is.
    await this.#check(rows.length > 0 ? rows.map(({ file }) => file) : files)
    return rows
  }

  async #check(files: readonly PinnedFile[]): Promise<void> {
    const lease = await this.#lake.lease(files)
    lease.release()
  }

  async #read(
    state: TableState,
    files: readonly PinnedFile[],
    columns: readonly string[],
    where: string,
    max: number,
  ): Promise<FoundRow[]> {
    const lease = await this.#lake.lease(files, { unchecked: true })
    try {
      const byName = new Map(lease.locations.map((location, i) => [location, files[i]!]))
      const selected = columns.map((name) => `CAST(${textOf(state, name)} AS VARCHAR)`)
      const result = await this.#connection.runAndReadAll(
        `SELECT ${['filename', ...selected].join(', ')} FROM ${readParquet(state.schema, lease.locations)} WHERE ${where} LIMIT ${max}`,
      )
      return result.getRows().map(([location, ...cells]) => ({
        file: byName.get(String(location))!,
        values: Object.fromEntries(columns.map((name, i) => [name, cells[i] as string | null])),
      }))
    } finally {
      lease.release()
    }
  }
}

const typeOf = ({ schema }: TableState, column: string) =>
  schema.fields.find(({ name }) => name === column)?.type

/** Times as microseconds, so that nothing of them is lost. */
function textOf(state: TableState, column: string): string {
  return typeOf(state, column) === 'timestamptz' ? `epoch_us(${quoteName(column)})` : quoteName(column)
}

function conditionOf(state: TableState, { column, value }: Wanted): string {
  if (typeof value === 'string') return `${quoteName(column)} = ${quoteText(value)}`
  const number = typeOf(state, column) === 'timestamptz' ? `make_timestamptz(${value})` : String(value)
  return `${quoteName(column)} = ${number}`
}

function mayHave(state: TableState, file: PinnedFile, { column, value }: Wanted): boolean {
  const field = state.schema.fields.find(({ name }) => name === column)!
  const { lower, upper } = file.columns.get(field.id) ?? {}
  if (lower === undefined || upper === undefined) return true
  if (typeof value === 'string') {
    const bytes = Buffer.from(value)
    // Bounds of texts are cut short: the lower one never lies above, the upper one never below what it bounds.
    return lower.compare(bytes) <= 0 && upper.compare(bytes) >= 0
  }
  return Number(read(lower)) <= value && value <= Number(read(upper))
}

/** int, long, date, timestamptz. */
function read(bytes: Buffer): bigint | number {
  return bytes.length === 8 ? bytes.readBigInt64LE() : bytes.readInt32LE()
}
