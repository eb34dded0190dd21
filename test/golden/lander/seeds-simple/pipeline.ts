import { Type } from 'typebox'
import { definePipeline } from '../../../../src/model/define-pipeline.ts'

const headers = ['Accept', 'Host', 'User-Agent']

export default definePipeline({
  name: 'game-simple',
  events: { default: Type.Object({}), purchase_sword: Type.Object({}), join_guild: Type.Object({}) },
  tables: {
    sword_purchases: { events: ['purchase_sword'], headers },
    join_guild: { events: ['join_guild'], headers },
  },
})
