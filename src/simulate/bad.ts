/** Events as they must not be, to see that the door and the tables deal with them: one in so many, among the good ones. */
import type { CompiledPipeline, SourceDefinition } from '../model/pipeline.ts'
import type { Plan, PlanProperty } from '../model/plan.ts'
import { eventOf } from './events.ts'
import { createRandom, type Random } from './random.ts'
import type { SimulatedRequest } from './requests.ts'

/** Dead letters of the first three have the same word as their reason; the last is refused at the door, always. */
export const BAD_KINDS = ['unknown_event_type', 'type', 'missing', 'malformed_json'] as const
export type BadKind = (typeof BAD_KINDS)[number]

export interface BadRequest extends SimulatedRequest {
  bad: BadKind
  expected: number
}

/**
 * What the door must answer: 400 to what is no JSON. The others are stored and marked (200) by a source that collects, and refused
 * (422) by one that rejects.
 */
function expectedStatus(kind: BadKind, mode: SourceDefinition['mode']): number {
  if (kind === 'malformed_json') return 400
  return mode === 'collect' ? 200 : 422
}

/** Bad requests without end, decided by a seed. */
export function* badRequests(
  { plan }: CompiledPipeline,
  source: SourceDefinition,
  seed: number,
): Generator<BadRequest> {
  const random = createRandom(seed)
  for (;;) {
    const kind = random.pick(BAD_KINDS)
    const body = bodyOf(kind, plan, random)
    const headers: Record<string, string> = {
      Host: 'simulate',
      'User-Agent': 'landfall-simulate',
      'Content-Type': 'application/json',
      'Content-Length': String(Buffer.byteLength(body)),
      ...authorization(source),
    }
    const expected = expectedStatus(kind, source.mode)
    yield { method: 'POST', path: '/v1/events', headers, body, bad: kind, expected }
  }
}

export function authorization({ writeKey }: SourceDefinition): Record<string, string> {
  return writeKey === null ? {} : { Authorization: `Bearer ${writeKey}` }
}

/** Who sends events that have no route: the source that needs no key, else the first. */
export function openSource({ sources }: CompiledPipeline): SourceDefinition {
  return sources.find(({ writeKey }) => writeKey === null) ?? sources[0]!
}

function bodyOf(kind: BadKind, plan: Plan, random: Random): string {
  const event = eventOf(plan, random)!
  switch (kind) {
    case 'unknown_event_type':
      return JSON.stringify({ ...event, event_type: unknownName(plan, event['event_type'] as string) })
    case 'missing':
      delete event['event_type']
      return JSON.stringify(event)
    case 'type':
      return JSON.stringify(withWrongType(plan, event))
    case 'malformed_json':
      return JSON.stringify(event).slice(0, -1)
  }
}

/** As a typing error makes it. */
function unknownName({ events }: Plan, name: string): string {
  let wrong = `${name.slice(0, 1)}${name.slice(2)}x`
  while (Object.hasOwn(events, wrong)) wrong += 'x'
  return wrong
}

function withWrongType({ events }: Plan, event: Record<string, unknown>): Record<string, unknown> {
  const { properties } = events[event['event_type'] as string]!
  const property = properties.find(({ type, jsonKind }) => type !== 'json' || jsonKind !== undefined)
  return property === undefined
    ? { ...event, event_type: 5 }
    : { ...event, [property.name]: wrongValue(property) }
}

function wrongValue({ type, jsonKind }: PlanProperty): unknown {
  if (type === 'boolean' || type === 'int' || type === 'long' || type === 'double') return 'many'
  if (type === 'json') return jsonKind === 'array' ? { n: 1 } : [1]
  return 5
}

/** So much of all requests is bad, `share` from 0 to 1; with 0 the good ones alone. */
export function* mixBad<T extends SimulatedRequest>(
  good: Iterable<T>,
  bad: Iterator<BadRequest>,
  share: number,
  seed: number,
): Generator<T | BadRequest> {
  const random = createRandom(seed)
  for (const request of good) {
    while (random.next() < share) yield bad.next().value as BadRequest
    yield request
  }
}
