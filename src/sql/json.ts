/** JSON with 64-bit integers as bare digits: written without loss, read back as bigint where a number could not hold them. */

/** In Node since 22, not yet in TypeScript's library. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }

/** `JSON.stringify` that writes a bigint as its digits, and keeps the sign of zero. */
export function stringifyExact(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'bigint') return rawJSON(`${item}`)
    return Object.is(item, -0) ? rawJSON('-0.0') : item
  })
}

/** `JSON.parse` that returns a bigint for an integer beyond 2^53. */
export function parseExact(text: string): unknown {
  // A reviver makes parsing several times slower; without so many digits in a row nothing can be lost.
  if (!/[0-9]{16}/.test(text)) return JSON.parse(text)
  return JSON.parse(text, (_key: string, item: unknown, context?: { source?: string }) => {
    if (typeof item !== 'number' || Number.isSafeInteger(item)) return item
    const source = context?.source
    return source !== undefined && /^-?[0-9]+$/.test(source) ? BigInt(source) : item
  })
}
