/** Parameters of a prepared statement put where its question marks are, and errors of the result placed in what was written. */
import { isLandfallError, LandfallError } from '../../base/errors.ts'
import { type LineColumn, lineColumnAt, type Token, tokens } from '../text.ts'

/** A statement without question marks, and where each part of it came from. */
export interface BoundStatement {
  sql: string
  /** Line and column in the prepared text of a place in `sql`. */
  placeOf(place: LineColumn): LineColumn
}

/** Numbers may stand behind these only as they are, not as `BIGINT '3'`. */
const COUNTING = ['LIMIT', 'OFFSET', 'FIRST', 'NEXT']
const WORD_CHARACTER = /[\p{L}\p{N}_$'"]/u

/** The question marks of a statement that are parameters: not those in strings, comments and quoted names. */
export function countParameters(sql: string): number {
  return sql.includes('?') ? marksOf(sql).length : 0
}

/** A value for each parameter with which the statement can be looked at, but says nothing: null, and 0 where a count must stand. */
export function blankParameters(sql: string): string[] {
  return sql.includes('?') ? marksOf(sql).map(({ before }) => (isCounting(before) ? '0' : 'NULL')) : []
}

function isCounting(before: Token | undefined): boolean {
  return before?.kind === 'word' && COUNTING.includes(before.text.toUpperCase())
}

function marksOf(sql: string): { mark: Token; before: Token | undefined }[] {
  const found: { mark: Token; before: Token | undefined }[] = []
  let before: Token | undefined
  for (const token of tokens(sql)) {
    if (token.kind === 'symbol' && token.text === '?') found.push({ mark: token, before })
    before = token
  }
  return found
}

/** Throws `sql/invalid-parameters` when there are more or fewer than question marks. */
export function bindParameters(sql: string, parameters: readonly string[]): BoundStatement {
  const marks = sql.includes('?') ? marksOf(sql) : []
  if (marks.length !== parameters.length) {
    const message = `Incorrect number of parameters: expected ${marks.length} but found ${parameters.length}`
    const details = { ...lineColumnAt(sql, 0) }
    throw new LandfallError('fix-request', 'sql/invalid-parameters', message, { details })
  }
  if (marks.length === 0) return { sql, placeOf: (place) => place }
  const pieces: string[] = []
  /** Index in the bound text where a parameter ends, and in the prepared text where its mark ends. */
  const moved: { begin: number; end: number; mark: Token }[] = []
  let length = 0
  let from = 0
  const add = (piece: string) => {
    pieces.push(piece)
    length += piece.length
  }
  for (const [i, { mark, before }] of marks.entries()) {
    add(sql.slice(from, mark.start))
    const begin = length
    add(written(parameters[i]!, sql, mark, before))
    moved.push({ begin, end: length, mark })
    from = mark.end
  }
  add(sql.slice(from))
  const bound = pieces.join('')
  return { sql: bound, placeOf: (place) => lineColumnAt(sql, indexBefore(moved, indexAt(bound, place))) }
}

/** A parameter as it can stand anywhere an expression can. */
function written(parameter: string, sql: string, mark: Token, before: Token | undefined): string {
  const parts = [...tokens(parameter)]
  if (isCounting(before)) {
    const digits = parts.at(-1)
    if (parts.length === 2 && digits?.kind === 'string' && /^\d+$/.test(digits.text))
      return ` ${digits.text} `
  }
  if (!isLiteral(parameter)) return `(${parameter})`
  const left = WORD_CHARACTER.test(sql[mark.start - 1] ?? '') ? ' ' : ''
  const right = WORD_CHARACTER.test(sql[mark.end] ?? '') ? ' ' : ''
  return `${left}${parameter}${right}`
}

/** One token, or a typed literal: `3`, `'x'`, `NULL`, `DATE '2026-01-01'`, `X'00'`. Such a text says the same wherever it stands. */
export function isLiteral(expression: string): boolean {
  const [first, second, ...more] = tokens(expression)
  if (!first || more.length > 0) return false
  if (second) return first.kind === 'word' && second.kind === 'string'
  if (first.kind === 'word') return ['NULL', 'TRUE', 'FALSE'].includes(first.text.toUpperCase())
  return first.kind === 'string' || first.kind === 'number'
}

function indexBefore(moved: readonly { begin: number; end: number; mark: Token }[], index: number): number {
  let shift = 0
  for (const { begin, end, mark } of moved) {
    if (index < begin) break
    if (index < end) return mark.start
    shift = end - mark.end
  }
  return index - shift
}

/** UTF-16 index of a line and column. */
function indexAt(text: string, { line, column }: LineColumn): number {
  let start = 0
  for (let i = 1; i < line; i++) start = text.indexOf('\n', start) + 1
  const points = Array.from(
    text.slice(start, text.indexOf('\n', start) < 0 ? undefined : text.indexOf('\n', start)),
  )
  return start + points.slice(0, column - 1).join('').length
}

/** The same error at another place. */
export function movePlace(error: unknown, placeOf: (place: LineColumn) => LineColumn): unknown {
  if (!isLandfallError(error)) return error
  const { line, column } = error.details
  if (typeof line !== 'number' || typeof column !== 'number') return error
  return new LandfallError(error.kind, error.code, error.message, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
    details: { ...error.details, ...placeOf({ line, column }) },
  })
}
