/**
 * A repair of dead letters, as a file of its own exports it:
 *
 *   export default defineRepair((event) => ({ ...event, cost: Number(event.cost) }))
 *
 * `landfall deadletters replay PIPELINE --repair FILE` shows what it would heal, and with `--apply` heals it.
 */
import type { EventOf, Pipeline } from './definition.ts'

/** Marks what `defineRepair` returns; a registered symbol, so that a second copy of the package is recognised. */
const MARK = Symbol.for('landfall.repair')

/** A dead letter, as the table `dead_letters` has it. */
export interface DeadLetter {
  event_id: string
  partition: number
  offset: number
  /** RFC 3339, UTC, microseconds. */
  received_at: string
  reason: string
  /** The property at fault; null when the whole document is. */
  field: string | null
  /** What was expected and what was found. */
  detail: string
  event_type: string | null
  /** The tracking plan it was sent under. */
  plan_version: string
  source: string
  /** The event's text as it came. */
  raw_event: string
  /** JSON object of the request headers that travelled beside it. */
  request_headers: string | null
}

/**
 * An event as it was sent: its JSON. Frozen, so that what a repair does not touch keeps its text to the last digit; integers beyond 2^53 are
 * bigint.
 */
// biome-ignore lint/suspicious/noExplicitAny: what did not fit the plan may be anything.
export type RawEvent = Readonly<Record<string, any>>

type PartOf<T> = T extends unknown ? Partial<T> : never

/** Any object; with `defineRepair<typeof pipeline>` what it says of event_type and properties is held to the plan. */
export type RepairedEvent<P> =
  // biome-ignore lint/suspicious/noExplicitAny: the state does not matter here.
  P extends Pipeline<infer E, any>
    ? string extends keyof E
      ? RawEvent
      : PartOf<EventOf<E>> & RawEvent
    : RawEvent

/** The event as it should have been; undefined leaves the letter alone. What it throws is counted, and stops nothing. */
export type RepairFunction<P = Pipeline> = (
  event: RawEvent,
  letter: DeadLetter,
) => RepairedEvent<P> | undefined | Promise<RepairedEvent<P> | undefined>

export interface RepairOptions<P = Pipeline> {
  /** For letters whose text is no JSON object: gets the text. Without it they are left alone. */
  malformed?: (
    text: string,
    letter: DeadLetter,
  ) => RepairedEvent<P> | undefined | Promise<RepairedEvent<P> | undefined>
}

export interface Repair {
  repair: RepairFunction
  malformed: RepairOptions['malformed']
}

/** Declares how dead letters are repaired (docs/guide/dead-letters.md). */
export function defineRepair<P = Pipeline>(
  repair: RepairFunction<P>,
  options: RepairOptions<P> = {},
): Repair {
  const made = { repair, malformed: options.malformed }
  Object.defineProperty(made, MARK, { value: true })
  return Object.freeze(made) as unknown as Repair
}

export function isRepair(value: unknown): value is Repair {
  return typeof value === 'object' && value !== null && MARK in value
}
