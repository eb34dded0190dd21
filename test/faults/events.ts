/** Events of the pipeline of the fault tests, whose id says what they are and where they belong. */
import { type NewRecord, recordHeader } from '../../src/model/record.ts'

/** By the first part of an id: the event, and the tables it belongs in. */
const KINDS: Record<string, { event: Record<string, unknown>; tables: string[] }> = {
  sword: {
    event: { event_type: 'purchase_sword', cost: 7 },
    tables: ['sword_purchases', 'purchases', 'events'],
  },
  shield: { event: { event_type: 'purchase_shield', cost: 3 }, tables: ['purchases', 'events'] },
  guild: { event: { event_type: 'join_guild', guild_name: 'grubs' }, tables: ['guilds', 'events'] },
  other: { event: { event_type: 'default' }, tables: ['events'] },
  wrong: { event: { event_type: 'purchase_sword', cost: 'much' }, tables: ['dead_letters'] },
}

export const kinds = Object.keys(KINDS)

/** Tables that the event of an id belongs in. */
export function tablesOf(id: string): readonly string[] {
  return KINDS[id.split('-')[0]!]!.tables
}

/** The record of an id: the same bytes each time. */
export function recordOf(id: string, receivedAt: number, planVersion: string): NewRecord {
  const { event } = KINDS[id.split('-')[0]!]!
  return {
    key: null,
    value: Buffer.from(JSON.stringify({ ...event, event_id: id })),
    receivedAt,
    headers: [
      [recordHeader.eventId, id],
      [recordHeader.plan, planVersion],
    ],
  }
}

/** Numbers in [0, 1), the same for the same seed. */
export function randomSource(seed: number): () => number {
  let state = seed >>> 0
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  next()
  return next
}
