import { Type } from 'typebox'
import { definePipeline } from '../../src/model/define-pipeline.ts'

/** A game with guilds: members are counted in the state, as in the examples. */
export const game = definePipeline({
  name: 'game',
  events: {
    default: Type.Object({}),
    purchase_sword: Type.Object({ type: Type.String(), cost: Type.Union([Type.Integer(), Type.Null()]) }),
    join_guild: Type.Object({ guild_name: Type.String(), guild_member_cnt: Type.Integer() }),
  },
  tables: { purchases: { events: '*purchase*', headers: ['Accept', 'Host', 'User-Agent'] } },
  state: {
    initial: { members: {} as Record<string, number> },
    reduce: (state, event) =>
      event.event_type === 'join_guild'
        ? { members: { ...state.members, [event.guild_name]: event.guild_member_cnt } }
        : state,
  },
  routes: {
    'GET /': (_request, { track }) => {
      track('default', {})
      return 'This is the default response!'
    },
    'GET /purchase_a_sword/:name': ({ params }, { track }) => {
      track('purchase_sword', { type: params.name, cost: 6 })
      return `Sword Purchased! ${params.name}`
    },
    'GET /join_guild/:name': ({ params }, { track, state }) => {
      const count = (state.members[params.name] ?? 0) + 1
      track('join_guild', { guild_name: params.name, guild_member_cnt: count })
      return `Joined Guild: ${params.name}! Total members:${count}\n`
    },
    'GET /members/:name': ({ params }, { state }) => ({ json: { members: state.members[params.name] ?? 0 } }),
  },
})
