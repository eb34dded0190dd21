import { LandfallError } from '../base/errors.ts'
import { CATALOG, SCHEMA } from './commands.ts'
import { nearestName } from './text.ts'

const LISTED_MAX = 20

/** `sql/unknown-table` with the nearest name, or else with those there are. `place`: line and column. */
export function unknownTable(
  table: string,
  known: readonly string[],
  place: Record<string, unknown> = {},
): LandfallError {
  const near = nearestName(table, known)
  const list = known.toSorted().slice(0, LISTED_MAX).join(', ')
  const hint = near ? `Did you mean ${near}?` : list === '' ? 'There are no tables yet' : `There are: ${list}`
  const message = `Table '${CATALOG}.${SCHEMA}.${table}' does not exist`
  return new LandfallError('fix-request', 'sql/unknown-table', message, { hint, details: place })
}
