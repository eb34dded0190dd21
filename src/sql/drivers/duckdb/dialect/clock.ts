/** The time of the statement. */
import type { Context, Expression, Scope } from './context.ts'
import { plain } from './literals.ts'
import { DATE, simple } from './sql-type.ts'
import type { SyntaxNode } from './syntax-tree.ts'
import { zoneText } from './zones.ts'

/** CURRENT_TIMESTAMP, CURRENT_DATE and the like: one instant for the whole statement, cut to the digits asked for. */
export function now(name: 'timestamp' | 'local' | 'date' | 'time') {
  return (node: SyntaxNode, _scope: Scope, context: Context): Expression => {
    const digits = Number(node.parts.find(({ text }) => /^\d+$/.test(text))?.text ?? 3)
    const micros = 10 ** Math.max(0, 6 - digits)
    const instant = `make_timestamp(epoch_us(now()) // ${micros} * ${micros})`
    const utc = `timezone('UTC', ${instant})`
    const zoned = { ...simple('timestamp with time zone', digits), zone: context.timeZone }
    if (name === 'timestamp') return { ...plain(utc, zoned, node), plain: false }
    const local = `timezone(${zoneText(undefined, context.timeZone)}, ${utc})`
    if (name === 'date') return plain(`CAST(${local} AS DATE)`, DATE, node)
    if (name === 'time') return plain(`CAST(${local} AS TIME)`, simple('time', digits), node)
    return plain(local, simple('timestamp', digits), node)
  }
}
