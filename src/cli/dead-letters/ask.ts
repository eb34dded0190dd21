/** Questions to `dead_letters`, wherever SQL is answered. */
import type { SettingName } from '../../config.ts'
import { stringifyExact } from '../../sql/json.ts'
import type { Value } from '../../sql/sql.ts'
import { openEngine } from '../look/sql-command.ts'
import { formatTable } from '../table.ts'

export type Flags = Partial<Record<SettingName, unknown>>
export type Row = Record<string, Value>

export interface AskOptions extends Record<string, unknown> {
  json: boolean
  ca?: string
}

/** Rows as objects, by the names of their columns. */
export async function ask(flags: Flags, options: AskOptions, ...statements: string[]): Promise<Row[][]> {
  await using engine = await openEngine(flags, options)
  const answers: Row[][] = []
  for (const sql of statements) {
    const { columns, pages } = await engine.query(sql)
    const rows: Row[] = []
    for await (const page of pages)
      for (const row of page) rows.push(Object.fromEntries(columns.map(({ name }, i) => [name, row[i]!])))
    answers.push(rows)
  }
  return answers
}

/** Prints rows as JSON or as a table of the named columns. */
export function print(
  rows: readonly Row[],
  json: boolean,
  columns: readonly (readonly [head: string, column: string])[],
  right: ReadonlySet<number>,
): void {
  if (json) process.stdout.write(`${stringifyExact(rows)}\n`)
  else {
    const cells = rows.map((row) => columns.map(([, column]) => cell(row[column])))
    process.stdout.write(
      `${formatTable(
        columns.map(([head]) => head),
        cells,
        { right },
      )}\n`,
    )
  }
}

const CELL_MAX = 80

function cell(value: Value | undefined): string {
  const text = value === null || value === undefined ? '' : String(value)
  return text.length > CELL_MAX ? `${text.slice(0, CELL_MAX).toWellFormed()}…` : text
}
