import { quoteIdentifier } from '../../text.ts'

const SIMPLE: Readonly<Record<string, string>> = {
  boolean: 'BOOLEAN',
  tinyint: 'TINYINT',
  smallint: 'SMALLINT',
  integer: 'INTEGER',
  bigint: 'BIGINT',
  real: 'FLOAT',
  double: 'DOUBLE',
  varchar: 'VARCHAR',
  varbinary: 'BLOB',
  json: 'JSON',
  uuid: 'UUID',
  date: 'DATE',
}

/** DuckDB's text for a type by Trino's name; undefined for one that is not known here. */
export function duckdbTypeText(type: string): string | undefined {
  const text = type.trim()
  if (SIMPLE[text]) return SIMPLE[text]
  if (/^decimal\(\d+, *\d+\)$/.test(text)) return text.toUpperCase()
  const timestamp = /^timestamp(?:\(\d+\))?( with time zone)?$/.exec(text)
  if (timestamp) return timestamp[1] === undefined ? 'TIMESTAMP' : 'TIMESTAMPTZ'
  const [, base, inside = ''] = /^(array|map|row)\((.*)\)$/.exec(text) ?? []
  const parts = inside.split(/,\s*(?![^(]*\))/)
  if (base === 'array') return suffixed(duckdbTypeText(inside), '[]')
  if (base === 'map') return nested('MAP', parts.map(duckdbTypeText))
  if (base === 'row') return nested('STRUCT', parts.map(fieldText))
  return undefined
}

function fieldText(field: string): string | undefined {
  const [, quoted, plain, type = ''] = /^\s*(?:"((?:[^"]|"")*)"|(\w+))\s+(.*)$/.exec(field) ?? []
  const name = quoteIdentifier(quoted?.replaceAll('""', '"') ?? plain ?? '')
  const text = duckdbTypeText(type)
  return text === undefined ? undefined : `${name} ${text}`
}

function nested(base: string, parts: readonly (string | undefined)[]): string | undefined {
  return parts.includes(undefined) ? undefined : `${base}(${parts.join(', ')})`
}

function suffixed(text: string | undefined, suffix: string): string | undefined {
  return text === undefined ? undefined : `${text}${suffix}`
}
