import { LandfallError } from '../base/errors.ts'

/**
 * Freezes a state with all that is in it, and refuses what JSON would not bring back: the state is written to a file as
 * JSON, and after a restart it must be what it was before. What is frozen already was seen before and costs one look.
 */
export function sealState<T>(value: T, place: string): T {
  if (typeof value === 'number' && !Number.isFinite(value)) throw notPlain(place, String(value))
  if (typeof value === 'bigint' || typeof value === 'function' || typeof value === 'symbol') {
    throw notPlain(place, `a ${typeof value}`)
  }
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) {
    throw notPlain(place, `a ${(prototype as object).constructor?.name ?? 'class instance'}`)
  }
  Object.freeze(value)
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner === 'object' ? inner !== null : typeof inner !== 'string')
      sealState(inner, `${place}.${key}`)
  }
  return value
}

function notPlain(place: string, found: string): LandfallError {
  return new LandfallError(
    'fix-config',
    'collector/state-value',
    `${place}: expected plain JSON data, found ${found}`,
    {
      hint: 'Keep numbers, texts, booleans, null, arrays and plain objects in the state; money as integer minor units',
    },
  )
}
