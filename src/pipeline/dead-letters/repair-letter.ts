/** What becomes of one dead letter: the text of the healed event, or why it remains. */
import { checkEvent } from '../../model/check-event.ts'
import type { DeadLetter, RawEvent, Repair } from '../../model/define-repair.ts'
import { isProblem, type JsonMember, scanObject } from '../../model/json-scan.ts'
import type { Plan } from '../../model/plan.ts'

/** Why a letter is not healed; `reason`, `field` and `detail` are those of the verdict that keeps it. */
export type Remains = 'does not fit' | 'left alone' | 'threw' | 'too large'

export type Outcome =
  | { healed: string }
  | { remains: Remains; reason: string; field: string | null; detail: string }

/**
 * Judges the letter by the plan: as it stands, or what the repair makes of it. An id_conflict is no fault of its content, so without a repair
 * it remains.
 */
export async function repairLetter(
  letter: DeadLetter,
  plan: Plan,
  repair: Repair | undefined,
  bytesMax: number,
): Promise<Outcome> {
  if (repair === undefined) {
    return letter.reason === 'id_conflict'
      ? remains('does not fit', letter)
      : judged(letter.raw_event, plan, bytesMax)
  }
  let healed: string | undefined
  try {
    healed = await repaired(letter, repair)
  } catch (error) {
    return { ...remains('threw', letter), detail: messageOf(error) }
  }
  return healed === undefined ? remains('left alone', letter) : judged(healed, plan, bytesMax)
}

function judged(text: string, plan: Plan, bytesMax: number): Outcome {
  const bytes = Buffer.byteLength(text)
  if (bytes > bytesMax) {
    const detail = `${bytes} bytes, and one event may have ${bytesMax}`
    return { remains: 'too large', reason: 'range', field: null, detail }
  }
  const fault = checkEvent(plan, text)
  return fault === null ? { healed: text } : { remains: 'does not fit', ...fault }
}

function remains(why: Remains, { reason, field, detail }: DeadLetter) {
  return { remains: why, reason, field, detail }
}

async function repaired(letter: DeadLetter, { repair, malformed }: Repair): Promise<string | undefined> {
  const text = letter.raw_event
  const members = scanObject(text)
  if (isProblem(members)) {
    const made = await malformed?.(text, letter)
    return made === undefined ? undefined : textOf(made)
  }
  const event = parse(text)
  const made = await repair(event, letter)
  return made === undefined ? undefined : textOf(made, { event, members, text })
}

/** The event, frozen at every depth: what comes back as it was is known to be untouched. */
function parse(text: string): RawEvent {
  const revive = (_key: string, value: unknown, { source }: { source?: string }) => {
    if (typeof value === 'number' && !Number.isSafeInteger(value) && /^-?[0-9]+$/.test(source!))
      return BigInt(source!)
    return typeof value === 'object' && value !== null ? Object.freeze(value) : value
  }
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown) as RawEvent
}

/** JSON of what a repair returned. A member that it did not touch keeps its text: `1.10` stays, and so do digits beyond a double. */
function textOf(made: unknown, before?: { event: RawEvent; members: JsonMember[]; text: string }): string {
  if (typeof made !== 'object' || made === null || Array.isArray(made))
    throw new TypeError(`the repair returned ${made === null ? 'null' : typeof made}, not an object`)
  const sources = new Map(before?.members.map((member) => [member.name, member]))
  const parts: string[] = []
  for (const [name, value] of Object.entries(made)) {
    const source = sources.get(name)
    const untouched = source !== undefined && Object.is(value, before!.event[name])
    const text = untouched
      ? before!.text.slice(source.start, source.end)
      : JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? digits(inner) : inner))
    if (text !== undefined) parts.push(`${JSON.stringify(name)}:${text}`)
  }
  return `{${parts.join(',')}}`
}

function digits(value: bigint): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(value))
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : `threw ${String(error)}`
  return text.split('\n', 1)[0]!.slice(0, 200)
}
