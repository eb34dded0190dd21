/** The pipeline of the simulation, and what it becomes: a plan gains an event, a property and a table. */
import { Type } from 'typebox'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import type { Pipeline } from '../../src/model/definition.ts'

const buy = { item: Type.String(), n: Type.Integer() }
const join = Type.Object({ guild: Type.String(), member: Type.Integer() })

const shared = {
  name: 'simulated',
  duplicates: { window: '7d' },
  state: {
    key: ({ params }: { params: Record<string, string> }) => params['guild'] ?? '',
    initial: { members: 0 },
    reduce: (state: { members: number }) => ({ members: state.members + 1 }),
  },
}

const older = definePipeline({
  ...shared,
  events: { buy: Type.Object(buy), join },
  tables: {
    buys: { events: ['buy'] },
    everything: { events: '*', columns: ['raw_event', 'event_type'], partition: false },
  },
  routes: {
    'POST /guilds/:guild': ({ params }, context) => {
      context.track('join', { guild: params.guild, member: context.state.members + 1 })
      return `${context.state.members}`
    },
  },
})

const newer = definePipeline({
  ...shared,
  events: {
    buy: Type.Object({ ...buy, note: Type.Optional(Type.String()) }),
    join,
    gift: Type.Object({ to: Type.String(), n: Type.Integer() }),
  },
  tables: {
    buys: { events: ['buy'] },
    everything: { events: '*', columns: ['raw_event', 'event_type'], partition: false },
    gifts: { events: ['gift'] },
  },
  routes: {
    'POST /guilds/:guild': ({ params }, context) => {
      context.track('join', { guild: params.guild, member: context.state.members + 1 })
      return `${context.state.members}`
    },
  },
})

export const PIPELINES: readonly Pipeline[] = [older, newer]

/** Table → events that it takes. */
export const TABLES: Record<string, readonly string[]> = {
  buys: ['buy'],
  everything: ['buy', 'join', 'gift'],
  gifts: ['gift'],
}

/** By hand, not by the product: whether an event is what the plan says. */
export function fits(text: string, planVersion: string): boolean {
  const event = JSON.parse(text) as Record<string, unknown>
  const isNewer = planVersion === newer.compiled.plan.version
  switch (event['event_type']) {
    case 'buy':
      if (isNewer && !['undefined', 'string'].includes(typeof event['note'])) return false
      return typeof event['item'] === 'string' && Number.isInteger(event['n'])
    case 'join':
      return typeof event['guild'] === 'string' && Number.isInteger(event['member'])
    case 'gift':
      return isNewer && typeof event['to'] === 'string' && Number.isInteger(event['n'])
    default:
      return false
  }
}
