import { rmSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { ab, abMissing } from '../support/ab.ts'
import { type Running, startLandfall } from '../support/landfall.ts'

// The game's load as it was sent to the original system: real ab, the same requests in the same order, 52 rounds.
const ROUND: [count: number, host: string, path: string][] = [
  [2, 'user1.comcast.com', '/purchase_a_sword/sabre'],
  [1, 'user1.comcast.com', '/purchase_a_shield/mirror_shield'],
  [4, 'user1.comcast.com', '/join_guild/house_stark'],
  [3, 'user1.comcast.com', '/leave_guild/house_stark'],
  [2, 'anand.comcast.com', '/join_guild/grubs'],
  [1, 'dre.comcast.com', '/join_guild/grubs'],
  [1, 'dre.comcast.com', '/join_guild/secret_club'],
  [1, 'anand.comcast.com', '/join_guild/secret_club'],
  [3, 'user1.comcast.com', '/leave_guild/house_greyjoy'],
  [1, 'user2.att.com', '/purchase_a_sword/katana'],
  [2, 'user2.att.com', '/purchase_a_sword/estoc'],
  [1, 'user2.comcast.com', '/purchase_a_shield/leather_shield'],
]

let landfall: Running

beforeAll(async () => {
  if (abMissing()) return
  landfall = await startLandfall('examples/game/pipeline.ts')
  for (let round = 0; round < 52; round++) {
    for (const [count, host, path] of ROUND) await ab(count, host, landfall.http + path)
  }
}, 180_000)

beforeEach((context) => {
  const missing = abMissing()
  if (missing) context.skip(missing)
})

afterAll(async () => {
  if (!landfall) return
  await landfall.stop()
  rmSync(landfall.data, { recursive: true, force: true })
})

const pairs = async (sql: string) =>
  Object.fromEntries((await landfall.query(sql)).map((row) => Object.values(row) as [string, number]))

test('three hosts purchase', async () => {
  expect(await landfall.query('select distinct "Host" from purchases order by 1')).toHaveLength(3)
})

test('purchases per host', async () => {
  expect(await pairs('select "Host", count(*) as n from purchases group by 1')).toEqual({
    'user1.comcast.com': 156,
    'user2.att.com': 156,
    'user2.comcast.com': 52,
  })
})

test('money per host', async () => {
  expect(await pairs('select "Host", sum(cost) as money from purchases group by 1')).toEqual({
    'user1.comcast.com': 2808,
    'user2.att.com': 1248,
    'user2.comcast.com': 260,
  })
})

test('items', async () => {
  expect(await pairs('select type, count(*) as n from purchases group by 1')).toEqual({
    sabre: 104,
    estoc: 104,
    mirror_shield: 52,
    katana: 52,
    leather_shield: 52,
  })
})

test('guild events, and those with a member count', async () => {
  expect(
    await landfall.query('select count(*) as n, count(guild_member_cnt) as with_count from guilds'),
  ).toEqual([{ n: 780, with_count: 624 }])
})

test('current members of each guild, by a window function', async () => {
  const sql = `select guild_name, guild_member_cnt from (
      select guild_name, guild_member_cnt, row_number() over (partition by guild_name order by "timestamp" desc) as n
      from guilds where guild_member_cnt is not null) as last where n = 1`
  expect(await pairs(sql)).toEqual({ house_stark: 52, grubs: 156, secret_club: 104 })
})

test('a sword purchase lands in two tables', async () => {
  expect(await landfall.query('select count(*) as n from sword_purchases')).toEqual([{ n: 260 }])
  expect(await landfall.query('select count(*) as n from purchases')).toEqual([{ n: 364 }])
})

test('columns: names, order and types', async () => {
  const columns = async (table: string) =>
    (await landfall.query(`describe ${table}`)).map((row) => Object.values(row).slice(0, 2).join(' '))
  const time = 'timestamp timestamp(6) with time zone'
  const head = [
    'raw_event varchar',
    time,
    'Accept varchar',
    'Host varchar',
    'User-Agent varchar',
    'event_type varchar',
  ]
  expect(await columns('purchases')).toEqual([...head, 'type varchar', 'cost bigint'])
  expect(await columns('sword_purchases')).toEqual([...head, 'type varchar', 'cost bigint'])
  expect(await columns('guilds')).toEqual([
    ...head,
    'guild_member_cnt bigint',
    'guild_name varchar',
    'tot_guild_member_cnt bigint',
  ])
})

test('the raw event is what the original system logged', async () => {
  const [row] = await landfall.query("select raw_event from sword_purchases where type = 'sabre' limit 1")
  expect(JSON.parse(row!.raw_event as string)).toEqual({
    event_type: 'purchase_sword',
    type: 'sabre',
    cost: 6,
    Host: 'user1.comcast.com',
    Accept: '*/*',
    'User-Agent': 'ApacheBench/2.3',
  })
})
