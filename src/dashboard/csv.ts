/** Rows as CSV (RFC 4180): UTF-8, a line of names, lines end with CR LF; null is nothing, an empty text is `""`. */
import { stringifyExact } from '../sql/json.ts'
import type { ResultColumn, Value } from '../sql/sql.ts'

export async function* csvOf(
  columns: readonly ResultColumn[],
  pages: AsyncIterable<Value[][]>,
): AsyncGenerator<string> {
  yield lineOf(columns.map(({ name }) => name))
  for await (const page of pages) if (page.length > 0) yield page.map(lineOf).join('')
}

function lineOf(cells: readonly Value[]): string {
  return `${cells.map(cellOf).join(',')}\r\n`
}

function cellOf(value: Value): string {
  if (value === null) return ''
  if (typeof value === 'string') return value === '' || /[",\r\n]/.test(value) ? quoted(value) : value
  return typeof value === 'object' ? quoted(stringifyExact(value)) : String(value)
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}
