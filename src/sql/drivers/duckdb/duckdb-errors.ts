/**
 * DuckDB's errors as the seam's. With `errors_as_json` a message is JSON: exception_type, exception_message, position (a byte
 * offset), candidates.
 */
import { isLandfallError, LandfallError } from '../../../base/errors.ts'
import type { LineColumn } from '../../text.ts'
import { codeOfMessage } from './error-messages.ts'

export interface DuckdbErrorText {
  exception_type?: string
  exception_message?: string
  position?: string
  error_subtype?: string
  candidates?: string
  name?: string
}

/** How places in what was run are found in what the user wrote (`prefixBytes` were put before it). */
export interface StatementPlace {
  /** Line and column of a byte of the statement that runs; without it nothing is known. */
  place?: (byte: number) => LineColumn | undefined
  prefixBytes: number
}

/** The parts of an error that DuckDB threw, or undefined for an error of another kind. */
export function readDuckdbError(error: unknown): DuckdbErrorText | undefined {
  if (!(error instanceof Error)) return undefined
  const open = error.message.indexOf('{"')
  if (open < 0) return undefined
  try {
    return JSON.parse(error.message.slice(open)) as DuckdbErrorText
  } catch {
    return undefined
  }
}

/** Line and column of a byte offset that DuckDB reported, or nothing when it lies outside the statement. */
export function placeOf(
  position: string | number | undefined,
  place: StatementPlace,
): Record<string, unknown> {
  if (position === undefined) return {}
  return { ...place.place?.(Number(position) - place.prefixBytes) }
}

/** Types of exceptions that are faults of the statement. Everything unknown is our own mistake. */
const OF_THE_STATEMENT = new Set([
  'Binder',
  'Catalog',
  'Conversion',
  'Invalid Input',
  'Out of Range',
  'Mismatch Type',
  'Invalid type',
  'Not implemented',
  'Constraint',
  'Divide by Zero',
  'Syntax',
  'Parser',
  'Parameter Not Resolved',
  'Parameter Not Allowed',
  'Expression',
  'Decimal',
])

export function translateDuckdbError(error: unknown, place: StatementPlace): Error {
  if (isLandfallError(error)) return error
  const text = readDuckdbError(error)
  if (!text) {
    return new LandfallError('bug', 'sql/failed', 'the query engine failed', { cause: error })
  }
  const message = firstLine(text.exception_message ?? '')
  const details = placeOf(text.position, place)
  const type = text.exception_type ?? ''
  const raised = raisedError(message, details)
  if (raised) return raised
  const known = codeOfMessage(message)
  if (known) return new LandfallError('fix-request', known, message, { details })
  if (type === 'Parser' || type === 'Syntax') {
    return new LandfallError('fix-request', 'sql/syntax', message, { details })
  }
  if (text.error_subtype === 'COLUMN_NOT_FOUND') return unknownColumn(text, message, details)
  if (type === 'Out of Memory') {
    return new LandfallError(
      'fix-request',
      'sql/out-of-memory',
      `the query needs more memory or disk than it may use: ${message}`,
      {
        hint: 'Ask for fewer rows or columns, or raise sql.memoryMax and sql.temporaryMax',
      },
    )
  }
  if (type === 'Permission') return new LandfallError('fix-request', 'sql/not-allowed', message, { details })
  const code = BY_TYPE[type]
  if (code !== undefined) return new LandfallError('fix-request', code, message, { details })
  if (OF_THE_STATEMENT.has(type)) return new LandfallError('fix-request', 'sql/invalid', message, { details })
  return new LandfallError('bug', 'sql/failed', `the query engine failed: ${type}: ${message}`, {
    cause: error,
    details,
  })
}

/** What DuckDB calls `Invalid Input` is a wrong argument. */
const BY_TYPE: Readonly<Record<string, string>> = {
  'Out of Range': 'sql/out-of-range',
  Conversion: 'sql/bad-value',
  'Invalid Input': 'sql/invalid-argument',
}

const RAISED: Record<string, string> = {
  DIVISION_BY_ZERO: 'sql/division-by-zero',
  INVALID_FUNCTION_ARGUMENT: 'sql/invalid-argument',
  INVALID_CAST_ARGUMENT: 'sql/bad-value',
}

/** An error that the translated statement raises by a cast that fails (`raise` of the templates). */
function raisedError(message: string, details: Record<string, unknown>): LandfallError | undefined {
  const found = /'!([A-Z_]+)!(.*)' to [A-Z0-9]+/s.exec(message)
  const code = RAISED[found?.[1] ?? '']
  return code === undefined ? undefined : new LandfallError('fix-request', code, found![2]!, { details })
}

function unknownColumn(
  text: DuckdbErrorText,
  message: string,
  details: Record<string, unknown>,
): LandfallError {
  const known = (text.candidates ?? '').split(',').filter((name) => name !== '')
  return new LandfallError(
    'fix-request',
    'sql/unknown-column',
    text.name ? `Column '${text.name}' cannot be resolved` : message,
    {
      ...(known.length > 0 ? { hint: `Did you mean ${known.join(' or ')}?` } : {}),
      details,
    },
  )
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!.trim()
}

/** Whether the engine ended because it was interrupted. */
export function isInterrupt(error: unknown): boolean {
  return readDuckdbError(error)?.exception_type?.toUpperCase() === 'INTERRUPT'
}

/** Whether a file of a table was not there. */
export function isMissingFile(error: unknown): boolean {
  const text = readDuckdbError(error)
  return (
    text?.exception_type === 'IO' &&
    /No files found|No such file|cannot open file/i.test(text.exception_message ?? '')
  )
}
