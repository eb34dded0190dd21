import { definePipeline, Type } from 'landfall'

const headers = ['Accept', 'Host', 'User-Agent']

export default definePipeline({
  name: 'game-simple',
  events: { default: Type.Object({}), purchase_sword: Type.Object({}), join_guild: Type.Object({}) },
  routes: {
    'GET /': (_request, { track }) => {
      track('default', {})
      return 'This is the default response!\n'
    },
    'GET /purchase_a_sword': (_request, { track }) => {
      track('purchase_sword', {})
      return 'Sword Purchased!\n'
    },
    'GET /join_guild': (_request, { track }) => {
      track('join_guild', {})
      return 'Guild joined!\n'
    },
  },
  tables: {
    sword_purchases: { events: ['purchase_sword'], headers },
    join_guild: { events: ['join_guild'], headers },
    purchases: {
      events: ['purchase_sword'],
      headers: { Accept: 'accept', Host: 'host', 'User-Agent': 'user-agent' },
      rawEvent: false,
      columns: ['accept', 'host', 'user-agent', 'event_type', 'timestamp'],
    },
  },
  subject: 'Host',
  questions: {
    joins: {
      title: 'How many times was a guild joined?',
      sql: 'SELECT count(*) AS joins FROM join_guild',
      chart: 'number',
    },
    joins_per_host: {
      title: 'Who joins guilds?',
      sql: 'SELECT host, count(*) AS joins FROM join_guild GROUP BY host ORDER BY joins DESC, host',
      chart: 'bar',
    },
    newest_purchases: {
      title: 'What did the newest purchases look like?',
      sql: 'SELECT * FROM sword_purchases ORDER BY "timestamp" DESC LIMIT 25',
    },
  },
})
