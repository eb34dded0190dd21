import { type Style, styleOf } from './style.ts'

export interface TableOptions {
  /** Columns drawn to the right. */
  right?: ReadonlySet<number>
  /** Columns that are left out on a narrow terminal, the first of them first, before the table is given up. */
  spare?: readonly number[]
  /** Where it is shown (default: stdout): its width, and whether it has colours. */
  stream?: { isTTY?: boolean; columns?: number }
}

/**
 * Rows as an aligned table, as Trino's command line draws them: numbers to the right, a rule under the head. On a terminal that is too
 * narrow for it, one block per row.
 */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string {
  const stream = options.stream ?? process.stdout
  const widths = head.map((name, i) =>
    rows.reduce((max, row) => Math.max(max, width(row[i] ?? '')), width(name)),
  )
  if (rows.length > 0 && !fits(widths, stream)) {
    const without = leaveOut(widths, options.spare ?? [], stream)
    if (without !== undefined) {
      const kept = (cells: readonly string[]) => cells.filter((_, i) => !without.has(i))
      const right = new Set(
        [...widths.keys()]
          .filter((i) => !without.has(i))
          .flatMap((i, at) => (options.right?.has(i) ? [at] : [])),
      )
      return formatTable(kept(head), rows.map(kept), { right, stream })
    }
    const cells = rows.map((row) => row.map((cell) => cell.split('\n')))
    return formatRecords(head, cells, 1, stream).join('\n')
  }
  const line = (cells: readonly string[], right: boolean) =>
    cells
      .map((cell, i) => ` ${pad(cell, widths[i]!, right && options.right?.has(i) === true)} `)
      .join('|')
      .trimEnd()
  const rule = widths.map((w) => '-'.repeat(w + 2)).join('+')
  return [styleOf(stream).bold(line(head, false)), rule, ...rows.map((row) => line(row, true))].join('\n')
}

/** Whether a table with columns of these widths has room; in a pipe it always has. */
export function fits(
  widths: readonly number[],
  { isTTY, columns }: { isTTY?: boolean; columns?: number },
): boolean {
  if (isTTY !== true || !columns) return true
  return widths.reduce((sum, w) => sum + w + 3, -1) <= columns
}

/** As few of the spare columns as must go; undefined when the others are too wide, too. */
function leaveOut(
  widths: readonly number[],
  spare: readonly number[],
  stream: { isTTY?: boolean; columns?: number },
): Set<number> | undefined {
  for (let count = 1; count <= spare.length; count++) {
    const without = new Set(spare.slice(0, count))
    if (
      fits(
        widths.filter((_, i) => !without.has(i)),
        stream,
      )
    )
      return without
  }
  return undefined
}

/** Each row as a block, `-[ RECORD 1 ]-` and a line per column, as Trino's command line does where a table does not fit. */
export function formatRecords(
  head: readonly string[],
  rows: readonly (readonly (readonly string[])[])[],
  first: number,
  stream: { isTTY?: boolean; columns?: number },
): string[] {
  const style: Style = styleOf(stream)
  const names = Math.max(...head.map(width))
  return rows.flatMap((row, i) => [
    `-[ RECORD ${first + i} ]`.padEnd(names + 1, '-'),
    ...head.flatMap((name, column) =>
      (row[column] ?? ['']).map((line, at) =>
        `${at === 0 ? style.bold(pad(name, names, false)) : ' '.repeat(names)} | ${line}`.trimEnd(),
      ),
    ),
  ])
}

function pad(text: string, to: number, right: boolean): string {
  const fill = ' '.repeat(Math.max(0, to - width(text)))
  return right ? fill + text : text + fill
}

/** Columns a text takes on a terminal: one per code point, two for East Asian wide characters and emoji. */
export function width(text: string): number {
  let columns = 0
  for (const character of text) {
    const code = character.codePointAt(0)!
    const wide =
      (code >= 0x1100 && code <= 0x115f) ||
      (code >= 0x2e80 && code <= 0xa4cf) ||
      (code >= 0xac00 && code <= 0xd7a3)
    columns +=
      wide || (code >= 0xf900 && code <= 0xfaff) || (code >= 0xff00 && code <= 0xff60) || code >= 0x1f300
        ? 2
        : 1
  }
  return columns
}
