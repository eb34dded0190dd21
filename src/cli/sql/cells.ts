/** Values as text for a terminal, and as members of JSON. */
import type { ResultColumn, Value } from '../../sql/sql.ts'

/** A value as Presto's client shows it: `NULL`, `[1, 2]`, `{a=1}`. */
export function showValue(value: Value): string {
  if (value === null) return 'NULL'
  if (typeof value !== 'object') return harmless(String(value))
  if (Array.isArray(value)) return `[${value.map(showInner).join(', ')}]`
  return `{${Object.entries(value)
    .map(([key, item]) => `${harmless(key)}=${showInner(item)}`)
    .join(', ')}}`
}

function showInner(value: Value): string {
  return value === null ? 'null' : showValue(value)
}

/** Events come from strangers: what would move the cursor or colour a terminal is shown and not sent. Line ends stay. */
function harmless(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, (character) => {
    if (character === '\n') return character
    if (character === '\t') return '    '
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** Names for the members of a row's object: a name that comes twice gets a number, as no member may hide another. */
export function memberNames(columns: readonly ResultColumn[]): string[] {
  const taken = new Set<string>()
  return columns.map(({ name }) => {
    let member = name
    for (let i = 2; taken.has(member); i++) member = `${name}_${i}`
    taken.add(member)
    return member
  })
}

/** A value that JSON can say: NaN and infinities become text, as in Trino's protocol. */
export function jsonValue(value: Value): Value {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(jsonValue)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonValue(item)]))
}
