import { definePipeline, Type } from '../../../../src/index.ts'

export default definePipeline({
  name: 'healed',
  events: { buy: Type.Object({ cost: Type.Integer() }) },
  tables: { bought: { events: ['buy'], headers: ['Host'] } },
  sources: {
    plain: {},
    app: { writeKey: 'app-key-0123456789', trustTime: { field: 'sent_at', past: '1h', future: '5m' } },
  },
  duplicates: { window: '1h' },
})
