import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import bank from '../../examples/bank/pipeline.ts'
import game from '../../examples/game/pipeline.ts'
import simple from '../../examples/game-simple/pipeline.ts'
import type { CompiledPipeline } from '../../src/model/pipeline.ts'
import { GAME_ANSWERS, GAME_ROUND, GAME_ROUNDS } from '../support/seed-game.ts'
import { ExampleRun } from './run-example.ts'

function columns(compiled: CompiledPipeline, table: string): string[] {
  return compiled.tables
    .find(({ name }) => name === table)!
    .columns.map((column) => `${column.name} ${column.type}`)
}

const head = ['raw_event string', 'timestamp timestamptz', 'Accept string', 'Host string']

describe('game-simple', () => {
  test('has the three tables', () => {
    const plain = [...head, 'User-Agent string', 'event_type string']
    expect(columns(simple.compiled, 'sword_purchases')).toEqual(plain)
    expect(columns(simple.compiled, 'join_guild')).toEqual(plain)
    expect(columns(simple.compiled, 'purchases')).toEqual([
      'accept string',
      'host string',
      'user-agent string',
      'event_type string',
      'timestamp timestamptz',
    ])
  })

  test('ten rounds: 100 joins, half by each host', async () => {
    const run = new ExampleRun(simple)
    for (let i = 0; i < 50; i++) {
      expect(run.request('user1.comcast.com', 'GET', '/purchase_a_sword')).toBe('Sword Purchased!\n')
      expect(run.request('user1.comcast.com', 'GET', '/join_guild')).toBe('Guild joined!\n')
      run.request('foo.gmail.com', 'GET', '/join_guild')
    }
    expect(run.request('user1.comcast.com', 'GET', '/')).toBe('This is the default response!\n')
    const { joins, joins_per_host, newest_purchases } = await run.answers()
    expect(joins).toEqual([['100']])
    expect(joins_per_host).toEqual([
      ['foo.gmail.com', '50'],
      ['user1.comcast.com', '50'],
    ])
    expect(newest_purchases).toHaveLength(25)
    expect(run.events[0]!.event).toEqual({
      event_type: 'purchase_sword',
      Host: 'user1.comcast.com',
      Accept: '*/*',
      'User-Agent': 'ApacheBench/2.3',
    })
  })
})

describe('game', () => {
  const text = (path: string, run: ExampleRun) => run.request('user1.comcast.com', 'GET', path)

  test('has the three tables', () => {
    const purchases = [...head, 'User-Agent string', 'event_type string', 'type string', 'cost long']
    expect(columns(game.compiled, 'sword_purchases')).toEqual(purchases)
    expect(columns(game.compiled, 'purchases')).toEqual(purchases)
    expect(columns(game.compiled, 'guilds')).toEqual([
      ...head,
      'User-Agent string',
      'event_type string',
      'guild_member_cnt long',
      'guild_name string',
      'tot_guild_member_cnt long',
    ])
  })

  test('52 rounds give the known answers', async () => {
    const run = new ExampleRun(game)
    for (let round = 0; round < GAME_ROUNDS; round++) {
      for (const [times, host, path] of GAME_ROUND)
        for (let i = 0; i < times; i++) run.request(host, 'GET', path)
    }
    expect(await run.answers()).toEqual(GAME_ANSWERS)
  })

  test('prices what is in the catalogue, and nothing else', () => {
    const run = new ExampleRun(game)
    expect(text('/purchase_a_sword/master_sword', run)).toBe('Sword Purchased! master_sword\n')
    expect(text('/purchase_a_shield/buckler', run)).toBe('Shield Purchased! buckler\n')
    for (const name of ['buckler', 'constructor', '__proto__']) text(`/purchase_a_sword/${name}`, run)
    expect(run.events.map(({ event }) => [event.type, event.cost])).toEqual([
      ['master_sword', 77],
      ['buckler', 6],
      ['buckler', null],
      ['constructor', null],
      ['__proto__', null],
    ])
  })

  test('counts members: after the event, never below 0, none for a guild that does not exist', () => {
    const run = new ExampleRun(game)
    expect(text('/', run)).toBe('This is the default response!\n')
    expect(text('/join_guild/grubs', run)).toBe('Joined Guild: grubs! Total members:1\n')
    expect(text('/join_guild/new_one', run)).toBe('Joined Guild: new_one! Total members:1\n')
    expect(text('/join_guild/new_one', run)).toBe('Joined Guild: new_one! Total members:2\n')
    expect(text('/leave_guild/ucbears', run)).toBe('Left Guild: ucbears! Total members:0\n')
    expect(text('/leave_guild/grubs', run)).toBe('Left Guild: grubs! Total members:0\n')
    expect(text('/leave_guild/grubs', run)).toBe('Left Guild: grubs! Total members:0\n')
    expect(text('/leave_guild/nobody', run)).toBe('Can not leave Guild: nobody! This guild does not exist.\n')
    expect(text('/join_guild/__proto__', run)).toBe('Joined Guild: __proto__! Total members:1\n')
    expect(text('/join_guild/__proto__', run)).toBe('Joined Guild: __proto__! Total members:2\n')
    const counts = run.events
      .slice(1)
      .map(({ event }) => [event.guild_name, event.guild_member_cnt, event.tot_guild_member_cnt])
    expect(counts).toEqual([
      ['grubs', 1, 1],
      ['new_one', 1, 2],
      ['new_one', 2, 3],
      ['ucbears', 0, 3],
      ['grubs', 0, 2],
      ['grubs', 0, 2],
      ['nobody', null, 2],
      ['__proto__', 1, 3],
      ['__proto__', 2, 4],
    ])
  })
})

describe('bank', () => {
  const more = ['Content_Length int', 'Accept_Encoding string', 'Connection string', 'Content_Type string']
  const first = [...head, 'User_Agent string', 'event_type string', 'description string']
  const money = 'decimal(18, 2)'

  test('has the four tables: the known columns first, then typed amounts', () => {
    expect(bank.compiled.tables.map(({ name }) => name)).toEqual([
      'asset_prices',
      'account_status',
      'asset_transactions',
      'cash_transactions',
    ])
    expect(columns(bank.compiled, 'asset_prices').slice(0, 8)).toEqual([...first, `bitcoin ${money}`])
    expect(columns(bank.compiled, 'cash_transactions')).toEqual([
      ...first,
      ...more,
      'transaction string',
      `amount ${money}`,
      `balance ${money}`,
    ])
    expect(columns(bank.compiled, 'asset_transactions').slice(0, 11)).toEqual([...first, ...more])
    expect(columns(bank.compiled, 'account_status')).toEqual([
      ...first,
      ...more,
      `balance ${money}`,
      'asset_value decimal(24, 2)',
    ])
  })

  test('moves money exactly and trades assets', async () => {
    const run = new ExampleRun(bank)
    const post = (path: string, body: unknown, host = 'a.example') => run.request(host, 'POST', path, body)
    expect(post('/deposit', { amount: '5000.1' })).toEqual({
      json: { transaction: 'deposit', amount: '5000.10', balance: '5000.10' },
    })
    expect(post('/withdraw', { amount: '0.03' })).toEqual({
      json: { transaction: 'withdraw', amount: '0.03', balance: '5000.07' },
    })
    expect(post('/buy', { asset: 'gold', quantity: 2 })).toMatchObject({
      json: { amount: '3629.00', balance: '1371.07', holding: 2 },
    })
    expect(post('/sell', { asset: 'gold', quantity: 1 })).toMatchObject({
      json: { amount: '1814.50', balance: '3185.57', holding: 1 },
    })
    expect(post('/account_status', {})).toEqual({
      json: { balance: '3185.57', asset_value: '1814.50', holdings: { gold: 1 } },
    })
    expect(post('/account_status', {}, 'b.example')).toEqual({
      json: { balance: '0.00', asset_value: '0.00', holdings: {} },
    })
    expect(run.request('a.example', 'GET', '/return_price')).toEqual({
      json: { bitcoin: '41500.00', gold: '1814.50', oil: '73.95', silver: '25.48' },
    })
    expect(await run.answers()).toEqual({
      price_requests: [['1']],
      cash: [
        ['deposit', '1', '5000.10'],
        ['withdraw', '1', '0.03'],
      ],
      assets_traded: [
        ['gold', 'buy', '2', '3629.00'],
        ['gold', 'sell', '1', '1814.50'],
      ],
      balances: [['a.example', '3185.57']],
    })
  })

  test('refuses what is not covered, and records nothing of it', () => {
    const run = new ExampleRun(bank)
    const post = (path: string, body: unknown) => run.request('a.example', 'POST', path, body)
    post('/deposit', { amount: '100' })
    const refused = (status: number, error: string) => ({
      status,
      json: { error, message: expect.any(String) },
    })
    expect(post('/withdraw', { amount: '100.01' })).toEqual(refused(409, 'insufficient_funds'))
    expect(post('/buy', { asset: 'gold', quantity: 1 })).toEqual(refused(409, 'insufficient_funds'))
    expect(post('/sell', { asset: 'oil', quantity: 1 })).toEqual(refused(409, 'insufficient_assets'))
    for (const amount of ['0', '0.00', '-1', '-0.50']) {
      expect(post('/deposit', { amount })).toEqual(refused(400, 'invalid_amount'))
      expect(post('/withdraw', { amount })).toEqual(refused(400, 'invalid_amount'))
    }
    expect(post('/deposit', { amount: '9999999999999999.99' })).toEqual(refused(409, 'balance_too_large'))
    expect(run.events).toHaveLength(1)
  })

  test('no order of requests overdraws an account or loses a cent', () => {
    const request = fc.oneof(
      fc.tuple(
        fc.constantFrom('/deposit', '/withdraw'),
        fc.record({ amount: fc.integer({ min: -5, max: 500_000 }).map((n) => (n / 100).toFixed(2)) }),
      ),
      fc.tuple(
        fc.constantFrom('/buy', '/sell'),
        fc.record({ asset: fc.constantFrom('oil', 'silver'), quantity: fc.integer({ min: 1, max: 40 }) }),
      ),
    )
    fc.assert(
      fc.property(fc.array(request, { maxLength: 40 }), (requests) => {
        const run = new ExampleRun(bank)
        for (const [path, body] of requests) run.request('a.example', 'POST', path, body)
        let cents = 0
        for (const { event } of run.events) {
          const amount = Math.round(Number(event.amount) * 100)
          cents += event.transaction === 'deposit' || event.transaction === 'sell' ? amount : -amount
          expect(cents).toBeGreaterThanOrEqual(0)
          expect(Math.round(Number(event.balance) * 100)).toBe(cents)
        }
      }),
    )
  })
})

test('every question is SQL that Trino reads too: quoted names where needed, AS before each alias', () => {
  for (const { compiled } of [simple, game, bank]) {
    for (const { sql } of compiled.questions) {
      expect(sql).not.toMatch(/::|\bQUALIFY\b|\bEXCLUDE\b|\bGROUP BY ALL\b|\bILIKE\b/i)
      expect(sql.replaceAll('"timestamp"', '')).not.toMatch(/\btimestamp\b/)
    }
  }
})
