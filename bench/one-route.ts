/** What players of the benchmark's door can do (`processes/door.ts` serves it): the one route that other generators are pointed at. */
import { definePipeline, Type } from 'landfall'

export default definePipeline({
  name: 'bench',
  subject: 'Host',
  events: { purchase_sword: Type.Object({ type: Type.String(), cost: Type.Integer() }) },
  routes: {
    'GET /purchase_a_sword/:type': ({ params }, { track }) => {
      track('purchase_sword', { type: params.type, cost: 6 })
      return `Sword Purchased! ${params.type}\n`
    },
  },
  tables: { purchases: { events: ['purchase_sword'], headers: ['Accept', 'Host', 'User-Agent'] } },
})
