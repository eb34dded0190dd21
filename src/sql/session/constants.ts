/** Values that stand in a statement of the session: they are the same wherever they are put, or they are refused. */
import { isLandfallError, LandfallError } from '../../base/errors.ts'
import type { QueryOptions, SqlEngine, Value } from '../sql.ts'
import { lineColumnAt, tokens } from '../text.ts'
import { countParameters, isLiteral, movePlace } from './bind-parameters.ts'
import type { WrittenExpression } from './session-statement.ts'

const SELECT = 'SELECT '

/**
 * Parameters are put into the statement as they are written, so each must say the same alone. A literal does; anything else is
 * asked alone first, where it has no table to name.
 */
export async function checkConstants(
  engine: SqlEngine,
  sql: string,
  parameters: readonly WrittenExpression[],
  options: QueryOptions,
): Promise<void> {
  for (const { text, at } of parameters) {
    if (isLiteral(text)) continue
    const place = lineColumnAt(sql, at)
    if (countParameters(text) > 0) {
      const message = 'A parameter cannot stand in the value of a parameter'
      throw new LandfallError('fix-request', 'sql/invalid-parameters', message, { details: { ...place } })
    }
    try {
      await constantOf(engine, text, options)
    } catch (error) {
      if (isLandfallError(error, 'sql/unknown-column')) {
        const message = 'Constant expression cannot contain column references'
        throw new LandfallError('fix-request', 'sql/not-constant', message, { details: { ...place } })
      }
      throw movePlace(error, ({ line, column }) => ({
        line: place.line + line - 1,
        column: line === 1 ? place.column + column - 1 : column,
      }))
    }
  }
}

/** The value of an expression that names nothing. Errors have their place in its text. */
export async function constantOf(
  engine: SqlEngine,
  expression: string,
  options: QueryOptions,
): Promise<Value> {
  const [only, ...more] = tokens(expression)
  if (only?.kind === 'string' && more.length === 0) return only.text
  const { signal, session } = options
  const asked = { ...(session ? { session } : {}), ...(signal ? { signal } : {}) }
  try {
    const { pages } = await engine.query(`${SELECT}(${expression}\n)`, asked)
    for await (const [row] of pages) return row?.[0] ?? null
    return null
  } catch (error) {
    const shift = SELECT.length + 1
    throw movePlace(error, ({ line, column }) => ({
      line,
      column: line === 1 ? Math.max(1, column - shift) : column,
    }))
  }
}
