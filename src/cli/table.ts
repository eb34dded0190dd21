/** Rows as an aligned table, as Trino's command line draws them: numbers to the right, a rule under the head. */
export interface TableOptions {
  /** Columns drawn to the right. */
  right?: ReadonlySet<number>
}

export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string {
  const widths = head.map((name, i) =>
    rows.reduce((max, row) => Math.max(max, width(row[i] ?? '')), width(name)),
  )
  const line = (cells: readonly string[], right: boolean) =>
    cells
      .map((cell, i) => ` ${pad(cell, widths[i]!, right && options.right?.has(i) === true)} `)
      .join('|')
      .trimEnd()
  const rule = widths.map((w) => '-'.repeat(w + 2)).join('+')
  return [line(head, false), rule, ...rows.map((row) => line(row, true))].join('\n')
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
