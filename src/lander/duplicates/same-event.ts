import { readable } from '../readable.ts'

/**
 * Whether two records that bear one event id are the same event: equal as JSON, fields in any order, without the fields that may
 * differ between two sendings. Bytes that are no JSON object are the same only when they are equal.
 */
export function sameEvent(a: Buffer, b: Buffer, leftOut: ReadonlySet<string>): boolean {
  if (a.equals(b)) return true
  const one = parse(a)
  const other = parse(b)
  // What is no JSON may come from `dead_letters`, where its bytes are kept in readable form.
  if (one === undefined || other === undefined) return one === other && readable(a) === readable(b)
  return equalObjects(one, other, leftOut)
}

type Json = null | boolean | string | number | NumberText | Json[] | { [name: string]: Json }

/** A number that a double may not hold exactly, by its digits. */
class NumberText {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** `JSON.parse` tells its reviver the source text of each literal (ES2026). */
type ParseWithSource = (
  text: string,
  revive: (key: string, value: unknown, context: { source: string }) => unknown,
) => unknown

function parse(bytes: Buffer): Record<string, Json> | undefined {
  try {
    const value = (JSON.parse as ParseWithSource)(bytes.toString('utf8'), keepDigits) as Json
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function keepDigits(_key: string, value: unknown, context: { source: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  // A fraction is the double it stands for, in whatever spelling; an integer beyond 2^53 is its digits.
  return /^-?[0-9]+$/.test(context.source) || !Number.isFinite(value) ? new NumberText(context.source) : value
}

function isObject(value: Json): value is { [name: string]: Json } {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberText)
  )
}

/** Depth is kept on a list, not on the stack: an event may be nested a million deep. */
function equalObjects(
  one: Record<string, Json>,
  other: Record<string, Json>,
  leftOut: ReadonlySet<string>,
): boolean {
  const names = (value: Record<string, Json>) => Object.keys(value).filter((name) => !leftOut.has(name))
  const left = names(one)
  if (left.length !== names(other).length) return false
  const pairs: [Json, Json][] = []
  for (const name of left) {
    if (!Object.hasOwn(other, name)) return false
    pairs.push([one[name]!, other[name]!])
  }
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    if (!equalOrDeeper(pair[0], pair[1], pairs)) return false
  }
  return true
}

function equalOrDeeper(a: Json, b: Json, pairs: [Json, Json][]): boolean {
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false
    a.forEach((item, i) => pairs.push([item, b[i]!]))
    return true
  }
  if (a instanceof NumberText) return b instanceof NumberText && a.text === b.text
  if (!isObject(a)) return Object.is(a, b) || (a === 0 && b === 0)
  if (!isObject(b)) return false
  const names = Object.keys(a)
  if (names.length !== Object.keys(b).length) return false
  for (const name of names) {
    if (!Object.hasOwn(b, name)) return false
    pairs.push([a[name]!, b[name]!])
  }
  return true
}
