/**
 * Where Presto differs from Trino at the protocol: its types of times have no precision (they have milliseconds), names of types
 * are written without blanks, values with parts come as text, and what is wrong with a name is a syntax error to it. A statement that
 * changes the session answers with a row `true`.
 */
import { parseExact } from '../json.ts'
import type { Value } from '../sql.ts'
import type { WireError } from '../trino-protocol.ts'
import { formatTrinoType, innerTypes, parseTrinoType, type TrinoType } from '../trino-types.ts'

/** `timestamp with time zone` → `timestamp(3) with time zone`, `row("a" decimal(5,2))` → `row(a decimal(5, 2))`. */
export function fromPrestoType(type: string): string {
  return formatTrinoType(precise(parseTrinoType(type)))
}

function precise(type: TrinoType): TrinoType {
  if (/^time(stamp)?( with time zone)?$/.test(type.raw) && type.arguments.length === 0) {
    return { raw: type.raw, arguments: [3] }
  }
  return {
    raw: type.raw,
    arguments: type.arguments.map((argument) => {
      if (typeof argument === 'number') return argument
      if ('raw' in argument) return precise(argument)
      return { name: argument.name, type: precise(argument.type) }
    }),
  }
}

/** As Trino sends it: Presto writes an array, a map or a row as JSON text, and what has parts within it as text again: `[ "[ 1 ]" ]`. */
export function fromPrestoValue(value: Value, type: TrinoType): Value {
  if (value === null || !['array', 'map', 'row'].includes(type.raw)) return value
  const parts = typeof value === 'string' ? (parseExact(value) as Value) : value
  const inner = innerTypes(type).map((one) => one.type)
  if (Array.isArray(parts)) {
    return parts.map((part, i) => fromPrestoValue(part, (type.raw === 'row' ? inner[i] : inner[0]) ?? type))
  }
  const entries = Object.entries(parts as Record<string, Value>)
  return Object.fromEntries(entries.map(([key, part]) => [key, fromPrestoValue(part, inner[1] ?? type)]))
}

/** Trino's name for what Presto calls a syntax error (a SemanticException in its source). */
const SEMANTIC: [RegExp, string][] = [
  [/Table .*does not exist/, 'TABLE_NOT_FOUND'],
  [/Column .*cannot be resolved/, 'COLUMN_NOT_FOUND'],
  [/Schema .*does not exist/, 'SCHEMA_NOT_FOUND'],
  [/Catalog .*does not exist/, 'CATALOG_NOT_FOUND'],
  [/Function .*not registered/, 'FUNCTION_NOT_FOUND'],
  [/must be an aggregate expression/, 'EXPRESSION_NOT_AGGREGATE'],
  [/must evaluate to|cannot be applied to|Unexpected parameters|Cannot cast/, 'TYPE_MISMATCH'],
]

export function fromPrestoError(error: WireError): WireError {
  if (error.errorName !== 'SYNTAX_ERROR') return error
  const known = SEMANTIC.find(([pattern]) => pattern.test(error.message))
  return known ? { ...error, errorName: known[1] } : error
}
