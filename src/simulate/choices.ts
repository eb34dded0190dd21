/** Values by popularity: some are chosen often, most seldom, as names of items, guilds and pages are. */
import type { ValuesInput } from '../model/simulate-input.ts'
import type { Random } from './random.ts'

export interface Choices {
  values: readonly unknown[]
  /** Sums of the weights up to and with each value. */
  sums: Float64Array
}

/** How much less popular the next value of a list is (Zipf's exponent). */
const ZIPF = 0.8

/** A list (by rank) or an object (by weight); undefined for bounds, which have no list of values. */
export function choicesOf(input: Exclude<ValuesInput, { min: number; max: number }>): Choices
export function choicesOf(input: ValuesInput): Choices | undefined
export function choicesOf(input: ValuesInput): Choices | undefined {
  if (Array.isArray(input)) return weighted(input, (_, i) => 1 / (i + 1) ** ZIPF)
  const entries = Object.entries(input as Record<string, number>)
  if (isBounds(input)) return undefined
  return weighted(
    entries.map(([value]) => value),
    (_, i) => entries[i]![1],
  )
}

export function isBounds(input: ValuesInput): input is { min: number; max: number } {
  if (Array.isArray(input)) return false
  const keys = Object.keys(input)
  return keys.length === 2 && 'min' in input && 'max' in input
}

function weighted(
  values: readonly unknown[],
  weightOf: (value: unknown, rank: number) => number,
): Choices | undefined {
  if (values.length === 0) return undefined
  let sum = 0
  const sums = Float64Array.from(values, (value, rank) => (sum += weightOf(value, rank)))
  return { values, sums }
}

/** `unit`: gives a number from 0 to 1. */
export function choose({ values, sums }: Choices, unit: () => number): unknown {
  const at = unit() * sums[sums.length - 1]!
  let i = 0
  while (i < sums.length - 1 && sums[i]! <= at) i++
  return values[i]
}

/** Between the bounds, mostly near the lower one: of ten values about five lie in the lowest eighth. */
export function skewed(random: Random, min: number, max: number): number {
  return min + (max - min) * random.next() ** 3
}
