import { Type } from 'typebox'
import { Decimal } from '../../../../src/model/decimal.ts'
import { definePipeline } from '../../../../src/model/define-pipeline.ts'

export default definePipeline({
  name: 'bent',
  events: {
    pay: Type.Object({
      amount: Decimal(10, 2),
      n: Type.Integer(),
      at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
      tags: Type.Optional(Type.Array(Type.Unknown())),
      rate: Type.Optional(Type.Number()),
    }),
  },
  tables: { payments: { events: ['pay'], rawEvent: false } },
})
