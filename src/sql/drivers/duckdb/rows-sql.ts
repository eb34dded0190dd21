import { formatJson } from '../../../lake/metadata.ts'
import type { ResultColumn, Value } from '../../sql.ts'
import { quoteIdentifier, quoteText } from '../../text.ts'
import { duckdbTypeText } from './type-text.ts'

/** Rows that are there already, as a relation. They are one JSON text: DuckDB reads it faster than rows of SQL. */
export function rowsSql(columns: readonly ResultColumn[], rows: readonly Value[][]): string {
  const keys = columns.map((_, i) => `c${i}`)
  const items = rows.map((row) => Object.fromEntries(row.map((value, i) => [keys[i]!, value])))
  const shape = formatJson([Object.fromEntries(columns.map(({ type }, i) => [keys[i]!, readAs(type)]))])
  const select = columns.map(
    ({ name, type }, i) => `${valueSql(`r.${keys[i]}`, type)} AS ${quoteIdentifier(name)}`,
  )
  return `SELECT ${select.join(', ')} FROM (SELECT unnest(from_json(${quoteText(formatJson(items))}, ${quoteText(shape)})) AS r)`
}

function isNested(type: string): boolean {
  return /^(array|map|row)\(/.test(type)
}

function readAs(type: string): string {
  return isNested(type) ? 'JSON' : 'VARCHAR'
}

function valueSql(value: string, type: string): string {
  const text = duckdbTypeText(type)
  if (text === undefined) throw new Error(`no DuckDB type for ${type}`)
  return text === 'VARCHAR' ? value : `CAST(${value} AS ${text})`
}
