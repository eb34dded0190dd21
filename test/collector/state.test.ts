import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { LandfallError } from '../../src/base/errors.ts'
import { openEmbeddedLog } from '../../src/log/drivers/embedded/embedded-log.ts'
import { createMemoryLog } from '../../src/log/drivers/memory.ts'
import type { EventLog } from '../../src/log/log.ts'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import { directory, game, opened, stored } from './support.ts'

/** Accounts by key, with handlers that take their time: the hardest case for order. */
const bank = definePipeline({
  name: 'bank',
  events: { moved: Type.Object({ account: Type.String(), amount: Type.Integer(), balance: Type.Integer() }) },
  tables: { moved: { events: '*' } },
  state: {
    key: ({ params }) => params['account'] ?? '',
    initial: { balance: 0 },
    reduce: (state, event) => ({ balance: state.balance + event.amount }),
  },
  routes: {
    'POST /deposit/:account/:amount': async ({ params }, { track, state }) => {
      await sleep(Number(params.amount) % 3)
      const amount = Number(params.amount)
      track('moved', { account: params.account, amount, balance: state.balance + amount })
      return { json: state }
    },
    'POST /withdraw/:account/:amount': ({ params }, { track, state }) => {
      const amount = Number(params.amount)
      if (state.balance < amount)
        return { status: 409, json: { error: 'not enough', balance: state.balance } }
      track('moved', { account: params.account, amount: -amount, balance: state.balance - amount })
      return { json: state }
    },
    'GET /balance/:account': (_request, { state }) => ({ json: state }),
  },
})

const POST = { method: 'POST' }

/** The balances that follow from the log, and whether each event carries the balance that was right at its place. */
async function replay(log: EventLog): Promise<Record<string, number>> {
  const balances: Record<string, number> = {}
  for (const { event, key } of await stored(log)) {
    const account = event['account'] as string
    expect(key).toBe(account)
    balances[account] = (balances[account] ?? 0) + (event['amount'] as number)
    expect(balances[account]).toBe(event['balance'])
    expect(balances[account]).toBeGreaterThanOrEqual(0)
  }
  return balances
}

test('64 clients at once: every count is exact and in the order of the log', async () => {
  const { get, log } = await opened()
  const clients = Array.from({ length: 64 }, async (_, client) => {
    for (let i = 0; i < 10; i++) await get(`/join_guild/guild${client % 4}`)
  })
  await Promise.all(clients)
  const members: Record<string, number> = {}
  for (const { event } of await stored(log)) {
    const name = event['guild_name'] as string
    members[name] = (members[name] ?? 0) + 1
    expect(event['guild_member_cnt']).toBe(members[name])
  }
  expect(members).toEqual({ guild0: 160, guild1: 160, guild2: 160, guild3: 160 })
  expect((await get('/members/guild2')).json).toEqual({ members: 160 })
})

test('accounts under 64 clients are never overdrawn, with asynchronous handlers among them', async () => {
  const { get, log } = await opened(bank)
  let refused = 0
  await Promise.all(
    Array.from({ length: 64 }, async (_, client) => {
      const account = `a${client % 3}`
      for (let i = 0; i < 6; i++) {
        await get(`/deposit/${account}/${(client % 5) + 1}`, POST)
        if ((await get(`/withdraw/${account}/7`, POST)).status === 409) refused++
      }
    }),
  )
  expect(refused).toBeGreaterThan(0)
  const balances = await replay(log)
  for (const [account, balance] of Object.entries(balances)) {
    expect((await get(`/balance/${account}`)).json).toEqual({ balance })
  }
})

test('the next handler of a key runs while the first is not durable; their answers wait', async () => {
  let syncs = 0
  const held = Promise.withResolvers<void>()
  const log = createMemoryLog({
    sync: () => {
      syncs++
      return held.promise
    },
  })
  const { get } = await opened(bank, { log })
  const answered: string[] = []
  const requests = ['/deposit/a/3', '/deposit/a/6', '/withdraw/a/9', '/withdraw/a/1'].map((path) =>
    get(path, POST).then((said) => answered.push(`${path} ${said.status}`)),
  )
  await expect.poll(() => syncs).toBeGreaterThan(0)
  await sleep(50)
  // The last one saw an empty account that is not durable yet: not even its refusal may leave.
  expect(answered).toEqual([])
  held.resolve()
  await Promise.all(requests)
  expect(answered.sort()).toEqual([
    '/deposit/a/3 200',
    '/deposit/a/6 200',
    '/withdraw/a/1 409',
    '/withdraw/a/9 200',
  ])
  expect(await replay(log)).toEqual({ a: 0 })
})

test('a failed append drops what was not acknowledged, and with it everything that was made from it', async () => {
  const gates: PromiseWithResolvers<void>[] = []
  const log = createMemoryLog({
    sync: () => {
      gates.push(Promise.withResolvers())
      return gates.at(-1)!.promise
    },
  })
  const { get } = await opened(bank, { log })
  const release = async (n: number, error?: unknown) => {
    await expect.poll(() => gates.length).toBeGreaterThanOrEqual(n)
    if (error === undefined) gates[n - 1]!.resolve()
    else gates[n - 1]!.reject(error)
  }
  const first = get('/deposit/a/3', POST)
  await release(1)
  expect((await first).status).toBe(200)

  const failing = get('/deposit/a/100', POST)
  await expect.poll(() => gates.length).toBe(2)
  // Made from the deposit that is about to fail: one queued behind it, one that only looks, one that is refused.
  const dependent = [get('/withdraw/a/50', POST), get('/balance/a'), get('/withdraw/a/1000', POST)]
  await sleep(50)
  await release(2, new LandfallError('retry', 'log/disk-full', 'no room'))
  expect((await failing).status).toBe(503)
  // They may not wait for what will never be durable.
  const answered = await Promise.race([Promise.all(dependent), sleep(20_000)])
  expect(answered).toHaveLength(3)
  for (const said of answered!) expect([said.status, said.headers.get('retry-after')]).toEqual([503, '1'])

  const after = get('/withdraw/a/3', POST)
  await release(3)
  // Taken out of the context at its start, `state` is what it was then.
  expect((await after).json).toEqual({ balance: 3 })
  expect(await replay(log)).toEqual({ a: 0 })
})

test('a handler that began before a failure does not append what it made from it', async () => {
  const gates: PromiseWithResolvers<void>[] = []
  const log = createMemoryLog({
    sync: () => {
      gates.push(Promise.withResolvers())
      return gates.at(-1)!.promise
    },
  })
  const started = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const pipeline = definePipeline({
    ...bank.definition,
    routes: {
      'POST /add': (_request, { track }) => {
        track('moved', { account: '', amount: 5, balance: 5 })
        return ''
      },
      'POST /slow': async (_request, { track, state }) => {
        started.resolve()
        await goOn.promise
        track('moved', { account: '', amount: -state.balance, balance: 0 })
        return ''
      },
    },
  })
  const { get } = await opened(pipeline, { log })
  const add = get('/add', POST)
  await expect.poll(() => gates.length).toBe(1)
  const slow = get('/slow', POST)
  await started.promise
  gates[0]!.reject(new LandfallError('retry', 'log/disk-full', 'no room'))
  expect((await add).status).toBe(503)
  goOn.resolve()
  const said = await slow
  expect([said.status, said.text]).toEqual([503, expect.stringContaining('nothing of this request was')])
  expect(await stored(log)).toEqual([])
})

test('after an unknown outcome the state is what the log says it is', async () => {
  const log = createMemoryLog()
  const append = log.append.bind(log)
  let outcome: 'known' | 'kept' | 'lost' = 'known'
  log.append = async (records) => {
    const as = outcome
    if (as !== 'lost') await append(records)
    if (as === 'known') return { partition: 0, baseOffset: (await log.end()).next[0]! - records.length }
    throw new LandfallError('retry', 'log/unknown-outcome', 'nobody knows')
  }
  const { get, told } = await opened(bank, { log })
  await get('/deposit/a/10', POST)
  for (const [as, balance] of [
    ['kept', 15],
    ['lost', 15],
  ] as const) {
    outcome = as
    const said = await get('/deposit/a/5', POST)
    expect([said.status, said.headers.get('landfall-event-id')]).toEqual([503, expect.any(String)])
    outcome = 'known'
    // Until the log has been read again nobody sees a balance that may be wrong.
    await expect.poll(async () => (await get('/balance/a')).status, { interval: 5 }).toBe(200)
    expect((await get('/balance/a')).json).toEqual({ balance })
  }
  expect(told.length).toBeGreaterThan(0)
  await get('/withdraw/a/15', POST)
  expect(await replay(log)).toEqual({ a: 0 })
})

test('state comes back from its file and the log behind it', async () => {
  const log = createMemoryLog()
  const stateDirectory = directory()
  const first = await opened(bank, { log, stateDirectory })
  await first.get('/deposit/a/10', POST)
  await first.get('/deposit/b/1', POST)
  await first.collector.close()
  expect(first.collector.statePosition).toEqual({ logId: log.id, next: { 0: 2 } })
  const lines = readFileSync(join(stateDirectory, 'collector.state'), 'utf8').split('\n')
  expect(JSON.parse(lines[0]!)).toMatchObject({
    format: 'landfall-state',
    position: { logId: log.id, next: { 0: 2 } },
    states: 2,
  })
  expect(lines.slice(1, 3).map((line) => JSON.parse(line) as unknown)).toEqual([
    ['a', { balance: 10 }],
    ['b', { balance: 1 }],
  ])

  // What the next one does is not in the file when it dies; its events of /v1/events are not the pipeline's own.
  const file = readFileSync(join(stateDirectory, 'collector.state'))
  const second = await opened(bank, { log, stateDirectory })
  await second.get('/withdraw/a/4', POST)
  await second.post('{"event_type":"moved","account":"a","amount":1000,"balance":0}')
  await second.collector.close()
  writeFileSync(join(stateDirectory, 'collector.state'), file)
  const third = await opened(bank, { log, stateDirectory })
  expect((await third.get('/balance/a')).json).toEqual({ balance: 6 })
  expect((await third.get('/balance/b')).json).toEqual({ balance: 1 })
  await third.collector.close()

  // Without a file everything comes from the log.
  const fourth = await opened(bank, { log, stateDirectory: directory() })
  expect((await fourth.get('/balance/a')).json).toEqual({ balance: 6 })
})

test('the file is written after so many events, and its position holds back the log', async () => {
  const log = createMemoryLog()
  const { get, collector } = await opened(bank, { log, settings: { snapshotEvents: 5 } })
  expect(collector.statePosition).toEqual({ logId: log.id, next: {} })
  for (let i = 0; i < 12; i++) await get('/deposit/a/1', POST)
  await expect.poll(() => collector.statePosition?.next[0]).toBeGreaterThanOrEqual(5)
  expect(
    (await opened(definePipeline({ ...bank.definition, state: undefined as never, routes: {} }), { log }))
      .collector.statePosition,
  ).toBeNull()
})

test('after a restart the position is that of the file, whatever was read behind it, until the file is written again', async () => {
  const folder = directory()
  const first = await opened(bank, { stateDirectory: folder, log: createMemoryLog() })
  const { log } = first
  await first.get('/deposit/a/1', POST)
  await first.collector.close()
  const file = readFileSync(join(folder, 'collector.state'))
  const second = await opened(bank, { stateDirectory: folder, log })
  for (let i = 0; i < 3; i++) await second.get('/deposit/a/1', POST)
  await second.collector.close()
  // Killed before its last file was written.
  writeFileSync(join(folder, 'collector.state'), file)
  const third = await opened(bank, { stateDirectory: folder, log })
  expect((await third.get('/balance/a')).json).toEqual({ balance: 4 })
  expect(third.collector.statePosition).toEqual({ logId: log.id, next: { 0: 1 } })
  await third.get('/deposit/a/1', POST)
  expect(third.collector.statePosition?.next).toEqual({ 0: 1 })
  await third.collector.close()
  const fourth = await opened(bank, { stateDirectory: folder, log })
  expect(fourth.collector.statePosition?.next).toEqual({ 0: 5 })
})

test('a damaged, foreign or too new file is refused; another definition starts from the log', async () => {
  const log = createMemoryLog()
  const stateDirectory = directory()
  const path = join(stateDirectory, 'collector.state')
  const first = await opened(bank, { log, stateDirectory })
  await first.get('/deposit/a/10', POST)
  await first.collector.close()
  const file = readFileSync(path)

  // The log is whole, so a flipped byte costs nothing but time.
  const flipped = Buffer.from(file)
  flipped[60] = flipped[60]! ^ 1
  writeFileSync(path, flipped)
  const second = await opened(bank, { log, stateDirectory })
  expect((await second.get('/balance/a')).json).toEqual({ balance: 10 })
  expect(second.told).toEqual([expect.stringContaining('damaged')])
  await second.collector.close()

  writeFileSync(path, file)
  await expect(opened(bank, { stateDirectory })).rejects.toMatchObject({ code: 'collector/state-other-log' })
  await expect(opened(bank, { log: createMemoryLog({ id: log.id }), stateDirectory })).rejects.toMatchObject({
    code: 'collector/state-ahead',
  })

  const doubled = definePipeline({
    ...bank.definition,
    state: {
      ...bank.definition.state!,
      reduce: (state, event) => ({ balance: state.balance + 2 * event.amount }),
    },
  })
  const third = await opened(doubled, { log, stateDirectory })
  expect((await third.get('/balance/a')).json).toEqual({ balance: 20 })
})

test('a log that was trimmed beyond the file is refused', async () => {
  const path = directory()
  const log = await openEmbeddedLog({
    directory: path,
    segmentBytes: 64 * 1024,
    retention: { ageMs: 0, bytes: 0 },
  })
  try {
    const stateDirectory = directory()
    const first = await opened(bank, { log, stateDirectory })
    await first.get('/deposit/a/10', POST)
    await first.collector.close()
    const filler = { event_type: 'moved', account: 'b', text: 'x'.repeat(2000) }
    for (let i = 0; i < 40; i++) {
      await log.append(
        Array.from({ length: 5 }, () => ({
          key: null,
          value: Buffer.from(JSON.stringify(filler)),
          receivedAt: Date.now() * 1000,
          headers: [],
        })),
      )
    }
    await log.trim(await log.end())
    expect((await log.start()).next[0]).toBeGreaterThan(0)
    await expect(opened(bank, { log, stateDirectory })).rejects.toMatchObject({ code: 'collector/state-gap' })
    await expect(opened(bank, { log, stateDirectory: directory() })).rejects.toMatchObject({
      code: 'collector/state-gap',
    })
  } finally {
    await log[Symbol.asyncDispose]()
  }
})

test('state that JSON would not bring back is refused, and a reducer that changes its state fails loudly', async () => {
  const withState = (initial: unknown, reduce: (state: never) => unknown) =>
    definePipeline({
      ...game.definition,
      state: { initial, reduce: reduce as never },
      routes: { 'GET /': game.definition.routes!['GET /']! },
    } as never)
  const changing = await opened(
    withState({ n: 0, inner: { m: 0 } }, ((state: { inner: { m: number } }) => {
      state.inner.m++
      return state
    }) as never),
  )
  expect((await changing.get('/')).status).toBe(500)
  expect(changing.told[0]).toContain('Cannot assign to read only property')
  const odd = await opened(withState({ n: 0 }, () => ({ at: new Date() })))
  expect((await odd.get('/')).status).toBe(500)
  expect(odd.told[0]).toContain('found a Date')
  expect(await stored(odd.log)).toEqual([])
})
