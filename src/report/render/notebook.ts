/**
 * The report as a Jupyter notebook that can be run again against the door. Its outputs are those of a run: each cell prints a table of text,
 * and what is stored here is, character by character, what Python prints.
 */
import type { Value } from '../../sql/sql.ts'
import { ledgerText, METHOD, NOTHING, periodText, personsText, stampOf, titleOf } from '../render-texts.ts'
import { type Figure, GROUP_MIN, type Report, ROWS_MAX } from '../report.ts'

const SETUP = `import json
import os
from urllib.parse import urlparse

import trino

door = urlparse(os.environ.get("LANDFALL_SQL", "http://127.0.0.1:8080"))
token = os.environ.get("LANDFALL_SQL_TOKEN")
connection = trino.dbapi.connect(
    host=door.hostname, port=door.port or 8080, http_scheme=door.scheme, user="report", catalog="hive", schema="default",
    legacy_primitive_types=True, **({"auth": trino.auth.JWTAuthentication(token)} if token else {}),
)


def text(value, kind):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if kind in ("double", "real"):
        return repr(float(value))
    if isinstance(value, (list, dict)):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(value).replace("\\n", "\\\\n")


def ask(sql, left_out_by=None):
    """Prints the answer. left_out_by: rows in which this number is less than ${GROUP_MIN} are left out, as they are about few persons."""
    cursor = connection.cursor()
    cursor.execute(sql)
    rows = cursor.fetchall()
    names = [column[0] for column in cursor.description]
    kinds = [column[1] for column in cursor.description]
    if left_out_by is not None:
        at = names.index(left_out_by)
        rows = [row for row in rows if row[at] == 0 or row[at] >= ${GROUP_MIN}]
    cells = [names] + [[text(value, kind) for value, kind in zip(row, kinds)] for row in rows[:${ROWS_MAX}]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(names))]
    for row in cells:
        print(" | ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())`

export function reportNotebook(report: Report): string {
  const { findings, more, figures } = report
  const summary =
    findings.length === 0
      ? NOTHING
      : findings
          .map(
            ({ title, text, sample, recommended }, i) =>
              `${i + 1}. **${title}**  \n${text}  \nSeen among ${sample}.  \n*Recommended:* ${recommended}`,
          )
          .join('\n')
  const also = more.length === 0 ? '' : `\n\nAlso seen: ${more.map(({ title }) => title).join('; ')}.`
  const cells = [
    markdown(
      'title',
      `# ${titleOf(report)}\n\n${periodText(report)}\n\n*${stampOf(report)}*\n\n## Summary\n\n${summary}${also}`,
    ),
    markdown(
      'method',
      `## Method\n\n${METHOD.join('\n\n')}\n\n${personsText(report)}\n\n${ledgerText(report)}\n\nTo run it again: \`pip install trino\`, and the door's address in LANDFALL_SQL.`,
    ),
    code('setup', SETUP, '', 1),
  ]
  let count = 1
  for (const figure of figures) {
    const { id, title, sql, error, leftOutBy } = figure
    cells.push(
      markdown(
        `${id}-title`,
        error === undefined ? `### ${title}` : `### ${title}\n\nCould not be answered: ${error}`,
      ),
    )
    if (error !== undefined) continue
    const more = leftOutBy === undefined ? '' : `, left_out_by="${leftOutBy}"`
    cells.push(
      code(
        id,
        `ask("""\n${sql.replaceAll('\\', '\\\\').replaceAll('"""', '\\"\\"\\"')}\n"""${more})`,
        printed(figure),
        ++count,
      ),
    )
  }
  const metadata = {
    kernelspec: { display_name: 'Python 3', language: 'python', name: 'python3' },
    language_info: { name: 'python' },
  }
  return `${JSON.stringify({ cells, metadata, nbformat: 4, nbformat_minor: 5 }, null, 1)}\n`
}

function lines(text: string): string[] {
  return text.split(/(?<=\n)/)
}

/** Ids of cells have at most 64 characters. */
function markdown(id: string, text: string): object {
  return { cell_type: 'markdown', id: id.slice(-64), metadata: {}, source: lines(text) }
}

function code(id: string, source: string, output: string, count: number): object {
  const outputs = output === '' ? [] : [{ name: 'stdout', output_type: 'stream', text: lines(output) }]
  return {
    cell_type: 'code',
    execution_count: count,
    id: id.slice(-64),
    metadata: {},
    outputs,
    source: lines(source),
  }
}

/** What \`ask\` prints. */
export function printed({ columns, rows }: Pick<Figure, 'columns' | 'rows'>): string {
  const cells = [
    columns.map(({ name }) => name),
    ...rows.map((row) => row.map((value, i) => pythonText(value, columns[i]!.type))),
  ]
  const length = (text: string) => [...text].length
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => length(row[i]!))))
  const line = (row: string[]) =>
    row.map((cell, i) => cell + ' '.repeat(widths[i]! - length(cell))).join(' | ')
  return cells.map((row) => `${line(row).trimEnd()}\n`).join('')
}

function pythonText(value: Value, type: string): string {
  if (value === null) return ''
  if (type === 'double' || type === 'real') return pythonFloat(Number(value))
  if (typeof value === 'object')
    return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? Number(each) : each))
  return String(value).replaceAll('\n', '\\n')
}

/** repr() of a float: the same shortest digits as here, written otherwise. */
export function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const [mantissa = '', power = '0'] = value.toExponential().split('e')
  const exponent = Number(power)
  if (exponent < -4 || exponent >= 16)
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
  const text =
    exponent < 0
      ? value.toFixed(Math.max(1, (mantissa.split('.')[1]?.length ?? 0) - exponent))
      : String(value)
  return text.includes('.') ? text : `${text}.0`
}
