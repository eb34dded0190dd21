/** Names in a definition: which are legal, and which one was probably meant. */
import { LandfallError } from '../base/errors.ts'

/** Tables are lower case, because Hive and Presto are. */
export const TABLE_NAME = /^[a-z][a-z0-9_]{0,127}$/
export const PIPELINE_NAME = /^[a-z][a-z0-9_-]{0,63}$/
export const EVENT_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.:/ -]{0,126}[A-Za-z0-9_.:/-])?$/
/** Properties and columns. `__proto__` is the one name of this form that JavaScript objects cannot hold. */
export const COLUMN_NAME = /^(?!__proto__$)[A-Za-z_][A-Za-z0-9_-]{0,127}$/

/** Columns that Landfall fills: no property and no header may have these names, in any case. */
export const OWN_NAMES = ['event_type', 'timestamp', 'raw_event', 'event_id', 'received_at']

export function isOwnName(name: string): boolean {
  return OWN_NAMES.includes(name.toLowerCase())
}

/** A refused definition: `place` is the path in the definition (`tables.purchases.headers`), `hint` the remedy. */
export function refuse(code: string, place: string, problem: string, hint: string): never {
  throw new LandfallError('fix-config', `model/${code}`, `${place}: ${problem}`, { hint, details: { place } })
}

/** Refuses members that are not known: a misspelt option would otherwise do nothing, silently. */
export function checkKeys(place: string, value: unknown, known: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    refuse(
      'value',
      place,
      `expected an object, found ${Array.isArray(value) ? 'a list' : String(value)}`,
      'Write { … }',
    )
  }
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue
    refuse('unknown-option', place ? `${place}.${key}` : key, 'there is no such option', suggest(key, known))
  }
}

/** `Did you mean "x"?`, or the whole list when nothing is near. */
export function suggest(name: string, known: readonly string[]): string {
  const near = nearestName(name, known)
  if (near !== undefined) return `Did you mean ${JSON.stringify(near)}?`
  return known.length === 0
    ? 'There are none'
    : `There are: ${known.slice(0, 20).join(', ')}${known.length > 20 ? ', …' : ''}`
}

/** The known name with the fewest edits, if these are at most a third of its letters (at least two). */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let fewest = Number.POSITIVE_INFINITY
  for (const candidate of known) {
    const bound = Math.max(2, Math.floor(candidate.length / 3))
    if (Math.abs(candidate.length - name.length) > bound) continue
    const edits = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (edits <= bound && edits < fewest) {
      best = candidate
      fewest = edits
    }
  }
  return best
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
