/** Rows as the protocol's `data`: JSON text, 64-bit integers as their digits. */
import { stringifyExact } from '../../json.ts'
import type { ResultColumn, Value } from '../../sql.ts'
import type { WireColumn } from '../../trino-protocol.ts'
import { parseTrinoType, typeSignature, wireConverter } from '../../trino-types.ts'

export interface PageWriter {
  columns: WireColumn[]
  /** One row as JSON text. */
  row(values: readonly Value[]): string
}

/**
 * `parametric`: the client knows times with a precision (`timestamp(6)`); others get Trino's older types, cut to milliseconds.
 */
export function createPageWriter(columns: readonly ResultColumn[], parametric: boolean): PageWriter {
  const converters = columns.map(({ type }) => wireConverter(parseTrinoType(type), parametric))
  const wireColumns = columns.map(({ name, type: full }) => {
    const type = parametric ? full : withoutPrecision(full)
    return { name, type: asSql(type), typeSignature: typeSignature(parseTrinoType(type)) }
  })
  return {
    columns: wireColumns,
    row(values) {
      const items: Value[] = []
      let exact = false
      for (let i = 0; i < converters.length; i++) {
        const convert = converters[i]
        const value = values[i] ?? null
        // A bigint within an array or object is found only by looking.
        exact ||=
          typeof value === 'bigint' || Object.is(value, -0) || (typeof value === 'object' && value !== null)
        items.push(convert && value !== null ? convert(value) : value)
      }
      return exact ? stringifyExact(items) : JSON.stringify(items)
    },
  }
}

function withoutPrecision(type: string): string {
  return type.replace(/\b(timestamp|time)\([0-9]+\)/g, '$1')
}

/** A column's type is written as a cast would name it: intervals in capitals, unlike in its signature and in `typeof`. */
function asSql(type: string): string {
  return type.replace(/\binterval (day to second|year to month)\b/g, (name) => name.toUpperCase())
}
