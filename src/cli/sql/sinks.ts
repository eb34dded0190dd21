/** Where the rows of an answer go: an aligned table, or one array of row objects. */
import type { Writable } from 'node:stream'
import { stringifyExact } from '../../sql/json.ts'
import type { ResultColumn, Value } from '../../sql/sql.ts'
import { fits, formatRecords, width } from '../table.ts'
import { jsonValue, memberNames, showValue } from './cells.ts'

export interface RowSink {
  page(rows: Value[][]): Promise<void>
  end(): Promise<void>
}

/** Writes and waits until the receiver wants more. */
export async function write(output: Writable, text: string): Promise<void> {
  if (output.destroyed) return
  if (output.write(text)) return
  await new Promise<void>((resolve) => {
    const done = () => {
      output.off('drain', done)
      output.off('close', done)
      output.off('error', done)
      resolve()
    }
    output.on('drain', done)
    output.on('close', done)
    output.on('error', done)
  })
}

/** `[`, one row object per line, `]`. */
export function createJsonSink(output: Writable, columns: readonly ResultColumn[]): RowSink {
  const names = memberNames(columns)
  let before = '['
  return {
    async page(rows) {
      const texts = rows.map((row) =>
        stringifyExact(Object.fromEntries(names.map((name, i) => [name, jsonValue(row[i]!)]))),
      )
      if (texts.length === 0) return
      await write(output, `${before}${texts.join(',\n ')}`)
      before = ',\n '
    },
    async end() {
      await write(output, before === '[' ? '[]\n' : ']\n')
    },
  }
}

/** Widths are taken from so many rows; later rows are aligned anew, without another head. */
const BATCH_ROWS = 10_000
const NUMERIC = /^(tinyint|smallint|integer|bigint|real|double|decimal.*)$/

/**
 * A table as Presto's client aligns it: numbers to the right, cells of several lines marked with `+`, the count below. On a terminal that is
 * too narrow for it, one block per row.
 */
export function createTableSink(output: Writable, columns: readonly ResultColumn[]): RowSink {
  const right = columns.map(({ type }) => NUMERIC.test(type))
  let batch: string[][][] = []
  let rowCount = 0
  let headWritten = false
  /** Decided by the first rows: a table, or a block per row where the terminal is too narrow. */
  let narrow: boolean | undefined
  let recordsWritten = 0

  async function flush(): Promise<void> {
    const widths = columns.map((column, i) =>
      batch.reduce((max, row) => Math.max(max, cellWidth(row[i]!)), width(column.name)),
    )
    const lines: string[] = []
    narrow ??= batch.length > 0 && !fits(widths, output as Partial<NodeJS.WriteStream>)
    if (narrow) {
      const names = columns.map(({ name }) => name)
      lines.push(...formatRecords(names, batch, recordsWritten + 1, output as Partial<NodeJS.WriteStream>))
      recordsWritten += batch.length
    } else if (!headWritten) {
      lines.push(
        columns
          .map(({ name }, i) => ` ${center(name, widths[i]!)} `)
          .join('|')
          .trimEnd(),
      )
      lines.push(widths.map((w) => '-'.repeat(w + 2)).join('+'))
      headWritten = true
    }
    if (!narrow) for (const row of batch) lines.push(...rowLines(row, widths, right))
    batch = []
    if (lines.length > 0) await write(output, `${lines.join('\n')}\n`)
  }

  return {
    async page(rows) {
      for (const row of rows) batch.push(row.map((value) => showValue(value).split('\n')))
      rowCount += rows.length
      if (batch.length >= BATCH_ROWS) await flush()
    },
    async end() {
      await flush()
      await write(output, `(${rowCount} ${rowCount === 1 ? 'row' : 'rows'})\n\n`)
    },
  }
}

/** A cell of several lines needs a column more, for the mark. */
function cellWidth(lines: readonly string[]): number {
  return Math.max(...lines.map(width)) + (lines.length > 1 ? 1 : 0)
}

function rowLines(row: readonly string[][], widths: readonly number[], right: readonly boolean[]): string[] {
  const height = Math.max(...row.map((lines) => lines.length), 1)
  return Array.from({ length: height }, (_, line) => {
    const cells = row.map((lines, i) => {
      const mark = line < lines.length - 1 ? '+' : ''
      const text = lines[line] ?? ''
      const fill = ' '.repeat(Math.max(0, widths[i]! - width(text) - mark.length))
      return ` ${right[i] ? fill + text : text + fill}${mark} `
    })
    return cells.join('|').trimEnd()
  })
}

function center(text: string, to: number): string {
  const left = Math.max(0, Math.floor((to - width(text)) / 2))
  return ' '.repeat(left) + text + ' '.repeat(Math.max(0, to - width(text) - left))
}
