/** From `views` and `reference` to plain data: what is asked by name beside the tables. */
import { extname } from 'node:path'
import type { ReferenceInput } from './definition.ts'
import { COLUMN_NAME, checkKeys, refuse, suggest, TABLE_NAME } from './names.ts'
import {
  RESERVED_TABLES,
  type ReferenceDefinition,
  type TableDefinition,
  type ViewDefinition,
} from './pipeline.ts'

const TYPES =
  `boolean|integer|bigint|double|varchar|date|timestamp(6)|timestamp(6) with time zone|decimal(18, 2)`.split(
    '|',
  )
const DECIMAL = /^decimal\((\d+), (\d+)\)$/
const FORMATS = { '.csv': 'csv', '.parquet': 'parquet' } as const

export interface NamedRelations {
  views: ViewDefinition[]
  reference: ReferenceDefinition[]
}

export function compileNamed(
  tables: readonly TableDefinition[],
  views: Record<string, string>,
  reference: Record<string, ReferenceInput>,
): NamedRelations {
  const taken = new Map<string, string>([
    ...RESERVED_TABLES.map((name) => [name, 'every pipeline has a table of that name'] as const),
    ...tables.map(({ name }) => [name, `there is a table of that name (tables.${name})`] as const),
  ])
  checkKeys('views', views, Object.keys(views))
  checkKeys('reference', reference, Object.keys(reference))
  const take = (place: string, name: string) => {
    checkName(place, name)
    const other = taken.get(name)
    if (other !== undefined) refuse('name-clash', place, other, 'Rename one of the two')
    taken.set(name, `there is a relation of that name (${place})`)
  }
  return {
    views: Object.entries(views).map(([name, sql]) => {
      take(`views.${name}`, name)
      return { name, sql: viewText(`views.${name}`, sql) }
    }),
    reference: Object.entries(reference).map(([name, input]) => {
      take(`reference.${name}`, name)
      return compileReference(name, input)
    }),
  }
}

function checkName(place: string, name: string): void {
  if (TABLE_NAME.test(name)) return
  refuse(
    'illegal-name',
    place,
    'a name has lower-case letters, digits and _, and starts with a letter',
    TABLE_NAME.test(name.toLowerCase()) ? `Write ${name.toLowerCase()}` : 'Rename it',
  )
}

function viewText(place: string, sql: unknown): string {
  const text = typeof sql === 'string' ? sql.trim().replace(/;+$/, '').trimEnd() : ''
  if (text === '') refuse('view', place, 'there is no SQL', 'Write a SELECT over the tables of the pipeline')
  return text
}

function compileReference(name: string, input: ReferenceInput): ReferenceDefinition {
  const place = `reference.${name}`
  checkKeys(place, input, ['file', 'columns'])
  const { file } = input
  const format = typeof file === 'string' ? FORMATS[extname(file).toLowerCase() as '.csv'] : undefined
  if (format === undefined) {
    refuse(
      'reference',
      `${place}.file`,
      'expected the path of a .csv or .parquet file',
      `Write it as in "./${name}.csv"`,
    )
  }
  // What lies elsewhere on the machine is not the pipeline's to show.
  if (/^([/\\]|[A-Za-z]:)|(^|[/\\])\.\.([/\\]|$)/.test(file)) {
    refuse(
      'reference',
      `${place}.file`,
      'the file must lie beside the pipeline file or below it',
      `Write it as in "./${name}.csv"`,
    )
  }
  return {
    name,
    file,
    format,
    columns: input.columns === undefined ? null : checkColumns(place, input.columns),
  }
}

function checkColumns(place: string, columns: Record<string, string>): Record<string, string> {
  checkKeys(`${place}.columns`, columns, Object.keys(columns))
  if (Object.keys(columns).length === 0)
    refuse('reference', `${place}.columns`, 'there is no column', 'Leave it out for all of the file')
  for (const [column, type] of Object.entries(columns)) {
    const at = `${place}.columns.${column}`
    if (!COLUMN_NAME.test(column))
      refuse('illegal-name', at, 'this is no name for a column', 'Rename it in the file')
    const [, precision, scale] = DECIMAL.exec(type) ?? []
    const isDecimal = Number(precision) >= 1 && Number(precision) <= 38 && Number(scale) <= Number(precision)
    if (!isDecimal && !TYPES.includes(type))
      refuse('value', at, `no type ${JSON.stringify(type)}`, suggest(String(type), TYPES))
  }
  return { ...columns }
}
