/** Timestamps with time zone: DuckDB keeps instants only, the zone one is seen in is part of the type here. */

import { quoteText } from '../../../text.ts'
import { Refusal } from './context.ts'
import { duckdbZone } from './literals.ts'
import type { SqlType } from './sql-type.ts'
import type { SyntaxNode } from './syntax-tree.ts'

/** The zone, when there is one of this name. */
export function knownZone(zone: string, node: SyntaxNode): string {
  try {
    const named = !/^[+-]\d{2}:\d{2}$/.test(zone) && new Intl.DateTimeFormat('en-US', { timeZone: zone })
    return named && zone.toUpperCase() === 'UTC' ? 'UTC' : zone
  } catch {
    throw new Refusal('sql/invalid-argument', `'${zone}' is not a valid time zone`, node.start)
  }
}

export function zoneText(type: SqlType | undefined, timeZone: string): string {
  return quoteText(duckdbZone(type?.zone ?? timeZone))
}

/** A template that works on the local time of `$n` in its zone and comes back to an instant. */
export function inZone(
  type: SqlType,
  timeZone: string,
  work: (local: string) => string,
  hole = '$1',
): string {
  const zone = zoneText(type, timeZone)
  return `timezone(${zone}, ${work(`timezone(${zone}, ${hole})`)})`
}

/** The local time of a hole: itself when it has no zone. */
export function localTime(type: SqlType | undefined, timeZone: string, hole: string): string {
  return type?.base === 'timestamp with time zone' ? `timezone(${zoneText(type, timeZone)}, ${hole})` : hole
}
