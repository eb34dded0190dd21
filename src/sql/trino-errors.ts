/** Our errors by Trino's names and numbers (io.trino.spi.StandardErrorCode), there and back. */
import { type ErrorKind, isLandfallError, LandfallError } from '../base/errors.ts'
import type { WireError } from './trino-protocol.ts'

type Row = readonly [code: string, name: string, number: number, type: WireError['errorType']]

const INTERNAL = 0x1_0000
const RESOURCES = 0x2_0000

/** Where several of our codes share a name, the first is what comes back. */
const TABLE: readonly Row[] = [
  ['sql/invalid', 'GENERIC_USER_ERROR', 0, 'USER_ERROR'],
  ['sql/syntax', 'SYNTAX_ERROR', 1, 'USER_ERROR'],
  ['sql/abandoned', 'ABANDONED_QUERY', 2, 'USER_ERROR'],
  ['sql/cancelled', 'USER_CANCELED', 3, 'USER_ERROR'],
  ['sql/not-found', 'NOT_FOUND', 5, 'USER_ERROR'],
  ['sql/unknown-function', 'FUNCTION_NOT_FOUND', 6, 'USER_ERROR'],
  ['sql/invalid-argument', 'INVALID_FUNCTION_ARGUMENT', 7, 'USER_ERROR'],
  ['sql/division-by-zero', 'DIVISION_BY_ZERO', 8, 'USER_ERROR'],
  ['sql/bad-value', 'INVALID_CAST_ARGUMENT', 9, 'USER_ERROR'],
  ['sql/invalid-view', 'INVALID_VIEW', 11, 'USER_ERROR'],
  ['sql/not-allowed', 'NOT_SUPPORTED', 13, 'USER_ERROR'],
  ['sql/not-supported', 'NOT_SUPPORTED', 13, 'USER_ERROR'],
  ['sql/too-complex', 'NOT_SUPPORTED', 13, 'USER_ERROR'],
  ['sql/invalid-session-property', 'INVALID_SESSION_PROPERTY', 14, 'USER_ERROR'],
  ['sql/out-of-range', 'NUMERIC_VALUE_OUT_OF_RANGE', 19, 'USER_ERROR'],
  ['sql/not-in-transaction', 'NOT_IN_TRANSACTION', 21, 'USER_ERROR'],
  ['sql/subquery-rows', 'SUBQUERY_MULTIPLE_ROWS', 28, 'USER_ERROR'],
  ['sql/unknown-procedure', 'PROCEDURE_NOT_FOUND', 29, 'USER_ERROR'],
  ['sql/killed', 'ADMINISTRATIVELY_KILLED', 38, 'USER_ERROR'],
  ['sql/unknown-catalog', 'CATALOG_NOT_FOUND', 44, 'USER_ERROR'],
  ['sql/unknown-schema', 'SCHEMA_NOT_FOUND', 45, 'USER_ERROR'],
  ['sql/unknown-table', 'TABLE_NOT_FOUND', 46, 'USER_ERROR'],
  ['sql/unknown-column', 'COLUMN_NOT_FOUND', 47, 'USER_ERROR'],
  ['sql/unknown-role', 'ROLE_NOT_FOUND', 48, 'USER_ERROR'],
  ['sql/duplicate-query', 'DUPLICATE_NAMED_QUERY', 53, 'USER_ERROR'],
  ['sql/missing-schema', 'MISSING_SCHEMA_NAME', 57, 'USER_ERROR'],
  ['sql/type-mismatch', 'TYPE_MISMATCH', 58, 'USER_ERROR'],
  ['sql/invalid-literal', 'INVALID_LITERAL', 59, 'USER_ERROR'],
  ['sql/mismatched-aliases', 'MISMATCHED_COLUMN_ALIASES', 61, 'USER_ERROR'],
  ['sql/ambiguous-name', 'AMBIGUOUS_NAME', 62, 'USER_ERROR'],
  ['sql/invalid-column', 'INVALID_COLUMN_REFERENCE', 63, 'USER_ERROR'],
  ['sql/missing-order-by', 'MISSING_ORDER_BY', 65, 'USER_ERROR'],
  ['sql/missing-over', 'MISSING_OVER', 66, 'USER_ERROR'],
  ['sql/nested-aggregation', 'NESTED_AGGREGATION', 67, 'USER_ERROR'],
  ['sql/not-in-distinct', 'EXPRESSION_NOT_IN_DISTINCT', 69, 'USER_ERROR'],
  ['sql/function-not-window', 'FUNCTION_NOT_WINDOW', 71, 'USER_ERROR'],
  ['sql/function-not-aggregate', 'FUNCTION_NOT_AGGREGATE', 72, 'USER_ERROR'],
  ['sql/not-aggregate', 'EXPRESSION_NOT_AGGREGATE', 73, 'USER_ERROR'],
  ['sql/not-scalar', 'EXPRESSION_NOT_SCALAR', 74, 'USER_ERROR'],
  ['sql/not-constant', 'EXPRESSION_NOT_CONSTANT', 75, 'USER_ERROR'],
  ['sql/invalid-arguments', 'INVALID_ARGUMENTS', 76, 'USER_ERROR'],
  ['sql/unknown-snapshot', 'INVALID_ARGUMENTS', 76, 'USER_ERROR'],
  ['sql/invalid-parameters', 'INVALID_PARAMETER_USAGE', 80, 'USER_ERROR'],
  ['sql/failed', 'GENERIC_INTERNAL_ERROR', INTERNAL, 'INTERNAL_ERROR'],
  ['sql/unavailable', 'GENERIC_INTERNAL_ERROR', INTERNAL, 'INTERNAL_ERROR'],
  ['sql/too-large', 'GENERIC_INSUFFICIENT_RESOURCES', RESOURCES, 'INSUFFICIENT_RESOURCES'],
  ['sql/overloaded', 'QUERY_QUEUE_FULL', RESOURCES + 2, 'INSUFFICIENT_RESOURCES'],
  ['sql/timeout', 'EXCEEDED_TIME_LIMIT', RESOURCES + 3, 'INSUFFICIENT_RESOURCES'],
  ['sql/out-of-memory', 'EXCEEDED_LOCAL_MEMORY_LIMIT', RESOURCES + 7, 'INSUFFICIENT_RESOURCES'],
]

const UNKNOWN: Row = ['sql/failed', 'GENERIC_INTERNAL_ERROR', INTERNAL, 'INTERNAL_ERROR']

/** An error as the protocol has it. What is not a LandfallError is our mistake; its text stays inside. */
export function toWireError(error: unknown): WireError {
  const known = isLandfallError(error) ? error : undefined
  const [, errorName, errorCode, errorType] = TABLE.find(([code]) => code === known?.code) ?? UNKNOWN
  const location = known && locationOf(known)
  const text = known
    ? [known.message, known.hint].filter(Boolean).join('. ')
    : 'internal error of the query process'
  const message = location ? `line ${location.lineNumber}:${location.columnNumber}: ${text}` : text
  const place = location ? { errorLocation: location } : {}
  const errorInfo = { code: errorCode, name: errorName, type: errorType }
  const failureInfo = {
    type: 'io.trino.spi.TrinoException',
    message,
    suppressed: [],
    stack: [],
    errorInfo,
    ...place,
  }
  return { message, errorCode, errorName, errorType, ...place, failureInfo }
}

function locationOf(error: LandfallError): { lineNumber: number; columnNumber: number } | undefined {
  const { line, column } = error.details
  return typeof line === 'number' && typeof column === 'number'
    ? { lineNumber: line, columnNumber: column }
    : undefined
}

/** What `ERROR_HEADER` carries. */
export interface ErrorParticulars {
  kind: ErrorKind
  code: string
  message: string
  hint?: string
}

export function particularsOf(error: unknown): ErrorParticulars | undefined {
  if (!isLandfallError(error)) return undefined
  const { kind, code, message, hint } = error
  return { kind, code, message, ...(hint === undefined ? {} : { hint }) }
}

/** The error a server answered; `particulars` when it is one of ours. */
export function fromWireError(error: WireError, particulars: ErrorParticulars | undefined): LandfallError {
  const { errorLocation: place } = error
  const details = {
    errorName: error.errorName,
    ...(place ? { line: place.lineNumber, column: place.columnNumber } : {}),
  }
  if (particulars) {
    const { kind, code, message, hint } = particulars
    return new LandfallError(kind, code, message, { ...(hint === undefined ? {} : { hint }), details })
  }
  const byName = TABLE.find(([, name]) => name === error.errorName)?.[0]
  const code = byName ?? (error.errorType === 'USER_ERROR' ? 'sql/invalid' : 'sql/failed')
  const kind = error.errorType === 'USER_ERROR' ? 'fix-request' : 'retry'
  return new LandfallError(kind, code, error.message.replace(/^line \d+:\d+: /, ''), { details })
}
