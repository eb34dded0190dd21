import { readFileSync } from 'node:fs'
import { definePipeline, Type } from 'landfall'

/** Prices, for the routes here and for questions, where they are the table `prices`. */
const PRICES = new Map(
  readFileSync(new URL('./prices.csv', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','))
    .map(([kind, item, price]) => [`${kind} ${item}`, Number(price)]),
)

/** Own members only: somebody will ask for a guild called `constructor`. */
function lookUp(amounts: Readonly<Record<string, number>>, name: string): number | null {
  return Object.hasOwn(amounts, name) ? amounts[name]! : null
}

const itemsOf = (kind: string) =>
  [...PRICES.keys()].filter((name) => name.startsWith(kind)).map((name) => name.slice(kind.length + 1))

const GUILDS = ['house_stark', 'grubs', 'ucbears', 'joestars', 'winden_caves']

const headers = ['Accept', 'Host', 'User-Agent']

/** A price is null for what is not in the catalogue. */
const purchase = Type.Object({ type: Type.String(), cost: Type.Union([Type.Integer(), Type.Null()]) })

/** Counts are those after the event; a guild that does not exist has none. */
const membership = Type.Object({
  guild_member_cnt: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
  guild_name: Type.String(),
  tot_guild_member_cnt: Type.Integer({ minimum: 0 }),
})

interface Guilds {
  members: Record<string, number>
  total: number
}

const start: Guilds = { members: Object.fromEntries(GUILDS.map((guild) => [guild, 0])), total: 0 }

export default definePipeline({
  name: 'game',
  events: {
    default: Type.Object({}),
    purchase_sword: purchase,
    purchase_shield: purchase,
    join_guild: membership,
    leave_guild: membership,
  },

  state: {
    initial: start,
    reduce(guilds, event) {
      if (event.event_type !== 'join_guild' && event.event_type !== 'leave_guild') return guilds
      if (event.guild_member_cnt === null) return guilds
      const members = { ...guilds.members, [event.guild_name]: event.guild_member_cnt }
      return { members, total: event.tot_guild_member_cnt }
    },
  },

  routes: {
    'GET /': (_request, { track }) => {
      track('default', {})
      return 'This is the default response!\n'
    },
    'GET /purchase_a_sword/:name': ({ params: { name } }, { track }) => {
      track('purchase_sword', { type: name, cost: PRICES.get(`sword ${name}`) ?? null })
      return `Sword Purchased! ${name}\n`
    },
    'GET /purchase_a_shield/:name': ({ params: { name } }, { track }) => {
      track('purchase_shield', { type: name, cost: PRICES.get(`shield ${name}`) ?? null })
      return `Shield Purchased! ${name}\n`
    },
    'GET /join_guild/:name': ({ params: { name } }, { track, state: { members, total } }) => {
      const count = (lookUp(members, name) ?? 0) + 1
      track('join_guild', { guild_member_cnt: count, guild_name: name, tot_guild_member_cnt: total + 1 })
      return `Joined Guild: ${name}! Total members:${count}\n`
    },
    'GET /leave_guild/:name': ({ params: { name } }, { track, state: { members, total } }) => {
      const before = lookUp(members, name)
      if (before === null) {
        track('leave_guild', { guild_member_cnt: null, guild_name: name, tot_guild_member_cnt: total })
        return `Can not leave Guild: ${name}! This guild does not exist.\n`
      }
      const count = Math.max(0, before - 1)
      track('leave_guild', {
        guild_member_cnt: count,
        guild_name: name,
        tot_guild_member_cnt: total - (before - count),
      })
      return `Left Guild: ${name}! Total members:${count}\n`
    },
  },

  tables: {
    sword_purchases: { events: ['purchase_sword'], headers },
    purchases: { events: '*purchase*', headers },
    guilds: { events: '*guild*', headers },
  },

  subject: 'Host',

  // History comes with its own times: `landfall simulate --backdate 30d`. Whoever has the key may say when something happened.
  sources: {
    default: {},
    history: { writeKey: process.env.GAME_HISTORY_KEY ?? 'on-this-machine', trustTime: { past: '400d' } },
  },

  simulate: {
    routes: {
      'GET /purchase_a_sword/:name': { params: { name: [...itemsOf('sword'), 'wooden_spoon'] } },
      'GET /purchase_a_shield/:name': { params: { name: itemsOf('shield') } },
      'GET /join_guild/:name': { weight: 0.4, params: { name: [...GUILDS, 'secret_club'] } },
      'GET /leave_guild/:name': { weight: 0.1, params: { name: [...GUILDS, 'house_greyjoy'] } },
    },
    funnel: ['GET /', 'GET /purchase_a_sword/:name', 'GET /purchase_a_shield/:name'],
  },

  reference: {
    prices: { file: './prices.csv' },
  },

  views: {
    sales: `
      SELECT kind, item, price, count(type) AS sold
      FROM prices LEFT JOIN purchases ON type = item AND event_type = 'purchase_' || kind
      GROUP BY kind, item, price`,
  },

  questions: {
    buyers: {
      title: 'How many players buy?',
      sql: 'SELECT count(DISTINCT host) AS players FROM purchases',
      chart: 'number',
    },
    purchases_per_player: {
      title: 'Who buys most often?',
      sql: 'SELECT host, count(*) AS purchases FROM purchases GROUP BY host ORDER BY purchases DESC, host',
      chart: 'bar',
    },
    money_per_player: {
      title: 'Who spends most?',
      sql: 'SELECT host, CAST(sum(cost) AS bigint) AS money FROM purchases GROUP BY host ORDER BY money DESC, host',
      chart: 'bar',
    },
    items: {
      title: 'Which items sell?',
      sql: 'SELECT type AS item, count(*) AS sold FROM purchases GROUP BY type ORDER BY sold DESC, item',
      chart: 'bar',
    },
    guild_events: {
      title: 'How many guild events are there, and how many concern a guild that exists?',
      sql: 'SELECT count(*) AS guild_events, count(guild_member_cnt) AS with_member_count FROM guilds',
    },
    members_per_guild: {
      title: 'How many members does each guild have now?',
      // The count after the newest event of each guild. Events of guilds are written one at a time, each with its own microsecond.
      sql: `
        SELECT guild_name, guild_member_cnt AS members
        FROM (
          SELECT guild_name, guild_member_cnt,
            row_number() OVER (PARTITION BY guild_name ORDER BY "timestamp" DESC) AS newest
          FROM guilds
          WHERE guild_member_cnt IS NOT NULL
        ) AS counts
        WHERE newest = 1
        ORDER BY members DESC, guild_name`,
      chart: 'pie',
    },
    guilds_joined: {
      title: 'Who joins the most different guilds?',
      sql: `
        SELECT host, count(DISTINCT guild_name) AS joined
        FROM guilds
        WHERE event_type = 'join_guild'
        GROUP BY host
        ORDER BY joined DESC, host`,
      chart: 'bar',
    },
    guilds_left: {
      title: 'Who leaves guilds?',
      sql: `
        SELECT host, count(DISTINCT guild_name) AS left_guilds
        FROM guilds
        WHERE event_type = 'leave_guild' AND guild_member_cnt IS NOT NULL
        GROUP BY host
        ORDER BY left_guilds DESC, host`,
      chart: 'bar',
    },
  },
})
