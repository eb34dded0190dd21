/** What the shop in app.ts tells about its users; it sends these events through `landfall/client`. */
import { definePipeline, Type } from 'landfall'

export default definePipeline({
  name: 'shop',
  subject: 'user',
  events: {
    api_call: Type.Object({
      user: Type.String(),
      method: Type.String(),
      path: Type.String(),
      status: Type.Integer(),
    }),
  },
  tables: { api_calls: { events: ['api_call'] } },
  questions: {
    busiest: {
      title: 'What is called most, and how often does it fail?',
      sql: `SELECT method, path, count(*) AS calls, count_if(status >= 400) AS failed
            FROM api_calls GROUP BY method, path ORDER BY calls DESC, method, path`,
      chart: 'bar',
    },
    buyers: {
      title: 'Who orders how often?',
      sql: `SELECT "user", count(*) AS orders FROM api_calls WHERE method = 'POST' AND path = '/orders' AND status = 201
            GROUP BY "user" ORDER BY orders DESC, "user"`,
      chart: 'bar',
    },
  },
})
