/** The pipeline of the fault tests. */
import { Type } from 'typebox'
import { definePipeline } from '../../src/model/define-pipeline.ts'

export const pipeline = definePipeline({
  name: 'faults',
  events: {
    purchase_sword: Type.Object({ cost: Type.Integer() }),
    purchase_shield: Type.Object({ cost: Type.Integer() }),
    join_guild: Type.Object({ guild_name: Type.String() }),
    default: Type.Object({}),
  },
  tables: {
    sword_purchases: { events: ['purchase_sword'], headers: ['Host'] },
    purchases: { events: '*purchase*', headers: ['Host'] },
    guilds: { events: ['join_guild'] },
  },
}).compiled
