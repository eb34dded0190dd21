/** Answers of a server in a form that can be recorded and compared, however many rows they have. */
import { hash } from 'node:crypto'
import { readError, type TrinoError, type TrinoPage, type TrinoSession } from '../engines/trino-client.ts'
import type { Statement } from './statements.ts'

export interface Answer {
  columns: [name: string, type: string][]
  error?: Omit<TrinoError, 'message'>
  count: number
  /** Of the rows in any order. */
  checksum: string
  /** Each as JSON; absent when there are many. */
  rows?: string[]
}

/** More rows than this, or more text, are compared by their checksum. */
const ROWS_KEPT_MAX = 300

/** The whole answer to a statement. */
export async function ask(session: TrinoSession, sql: string): Promise<Answer> {
  let columns: Answer['columns'] = []
  let error: Answer['error']
  let rows: string[] | undefined = []
  let count = 0
  let sum = 0n
  for await (const page of session.pages(sql)) {
    columns = page.columns?.map(({ name, type }) => [name, type]) ?? columns
    for (const row of page.data ?? []) {
      const text = toText(row)
      count += 1
      sum = BigInt.asUintN(64, sum + BigInt(`0x${hash('sha256', text).slice(0, 16)}`))
      rows?.push(text)
      if (count > ROWS_KEPT_MAX) rows = undefined
    }
    if (page.error) error = placeOf(page.error)
  }
  const answer: Answer = { columns: error ? [] : columns, count, checksum: sum.toString(16) }
  if (error) answer.error = error
  if (rows) answer.rows = rows
  return answer
}

function placeOf(error: NonNullable<TrinoPage['error']>): NonNullable<Answer['error']> {
  const { message: _, ...place } = readError(error)
  return place
}

/** JSON with sorted keys (the entries of a map have no order), exact integers and the sign of zero. */
function toText(value: unknown): string {
  if (typeof value === 'bigint') return String(value)
  if (Object.is(value, -0)) return '-0.0'
  if (Array.isArray(value)) return `[${value.map(toText).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}:${toText(one)}`)
  return `{${entries.sort().join(',')}}`
}

/** What differs between two answers of one statement, in words; undefined when nothing does. */
export function differenceOf(statement: Statement, ours: Answer, theirs: Answer): string | undefined {
  const say = (what: string, our: unknown, their: unknown) =>
    `${what}: ours ${JSON.stringify(our)}, Trino's ${JSON.stringify(their)}`
  if (ours.error || theirs.error) {
    const [our, their] = [ours.error, theirs.error].map((error) => (error ? JSON.stringify(error) : 'none'))
    return our === their ? undefined : say('error', our, their)
  }
  for (const [index, part] of (['name', 'type'] as const).entries()) {
    const [our, their] = [ours, theirs].map(({ columns }) => columns.map((column) => column[index]))
    if (JSON.stringify(our) !== JSON.stringify(their)) return say(`column ${part}s`, our, their)
  }
  if (ours.count !== theirs.count) return say('number of rows', ours.count, theirs.count)
  if (!ours.rows || !theirs.rows)
    return ours.checksum === theirs.checksum ? undefined : say('checksum', ours.checksum, theirs.checksum)
  const [our, their] = [ours.rows, theirs.rows].map((rows) => (statement.ordered ? rows : [...rows].sort()))
  const at = our!.findIndex((row, index) => !isSame(row, their![index]!, statement.approximate))
  return at < 0 ? undefined : say(`row ${at + 1} of ${our!.length}`, our![at], their![at])
}

const NUMBER = /-?\d+\.\d+(?:E-?\d+)?|-?\d+(?:E-?\d+)?/gi

function isSame(our: string, their: string, approximate: boolean): boolean {
  if (our === their) return true
  if (!approximate || our.replaceAll(NUMBER, '#') !== their.replaceAll(NUMBER, '#')) return false
  const numbers = [...their.matchAll(NUMBER)].map(([text]) => Number(text))
  return [...our.matchAll(NUMBER)].every(([text], index) => {
    const [a, b] = [Number(text), numbers[index]!]
    return Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b))
  })
}
