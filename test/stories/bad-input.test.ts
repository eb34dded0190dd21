import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Running, startLandfall } from '../support/landfall.ts'

// What a hostile or careless client sends, and the answer it gets. After each of them the pipeline goes on.
let landfall: Running

beforeAll(async () => {
  landfall = await startLandfall('examples/game/pipeline.ts')
})

afterAll(async () => {
  await landfall.stop()
  rmSync(landfall.data, { recursive: true, force: true })
})

const post = (body: string | Buffer, headers: Record<string, string> = {}) =>
  fetch(`${landfall.http}/v1/events`, {
    method: 'POST',
    body: body as string,
    headers: { 'Content-Type': 'application/json', ...headers },
  })

const count = async (table: string, where: string) => {
  const [row] = await landfall.query(`select count(*) as n from ${table} where ${where}`)
  return row!.n as number
}

const dead = async (eventId: string) =>
  landfall.query(`select reason, field from dead_letters where event_id = '${eventId}'`)

test('an event without event_type is answered and becomes a dead letter', async () => {
  expect((await post('{"event_id":"no-type","type":"sabre"}')).status).toBe(200)
  expect(await dead('no-type')).toEqual([{ reason: 'missing', field: 'event_type' }])
})

test('an unknown event name is answered with the nearest name and becomes a dead letter', async () => {
  const answer = await post('{"event_id":"misspelt","event_type":"purchase_swrod","type":"sabre","cost":6}')
  expect(answer.status).toBe(200)
  expect(await answer.text()).toContain('purchase_sword')
  expect(await dead('misspelt')).toEqual([{ reason: 'unknown_event_type', field: 'event_type' }])
})

for (const [name, cost] of [
  ['true', 'true'],
  ['1e400', '1e400'],
  ['5.0', '5.0'],
  ['1e3', '1e3'],
  ['text', '"6"'],
] as const) {
  test(`${name} for an integer is a dead letter, not a number`, async () => {
    const id = `cost-${name}`
    const answer = await post(`{"event_id":"${id}","event_type":"purchase_sword","type":"x","cost":${cost}}`)
    expect(answer.status).toBe(200)
    expect(await dead(id)).toEqual([{ reason: 'type', field: 'cost' }])
    expect(await count('purchases', `raw_event like '%"${id}"%'`)).toBe(0)
  })
}

test('an integer beyond int64 is a dead letter; the largest int64 keeps every digit', async () => {
  const event = (id: string, cost: string) =>
    `{"event_id":"${id}","event_type":"purchase_sword","type":"x","cost":${cost}}`
  await post(event('too-large', '9223372036854775808'))
  await post(event('largest', '9223372036854775807'))
  expect(await dead('too-large')).toHaveLength(1)
  expect(await count('purchases', 'cost = 9223372036854775807')).toBe(1)
})

test('a lone surrogate stops nothing and is named', async () => {
  const answer = await post('{"event_id":"lone","event_type":"purchase_sword","type":"\\ud800","cost":1}')
  expect([200, 400]).toContain(answer.status)
  expect(await count('purchases', `raw_event like '%"lone"%'`)).toBe(0)
  if (answer.status === 200) expect(await dead('lone')).toHaveLength(1)
})

test('a megabyte of nesting is refused', async () => {
  const answer = await post(
    `{"event_id":"deep","event_type":"default","a":${'['.repeat(500_000)}${']'.repeat(500_000)}}`,
  )
  expect(answer.status).toBe(400)
  expect(await count('events', "event_id = 'deep'")).toBe(0)
})

test('a __proto__ key is a key like any other', async () => {
  const answer = await post(
    '{"event_id":"proto","event_type":"purchase_sword","type":"x","cost":1,"__proto__":{"cost":2}}',
  )
  expect(answer.status).toBe(200)
  expect(await count('purchases', `raw_event like '%"proto"%' and cost = 1`)).toBe(1)
})

test('a key twice, broken JSON and invalid UTF-8 are refused whole, with the position', async () => {
  const good = '{"event_id":"beside-bad","event_type":"default"}'
  const twice = await post(`[${good},{"event_type":"default","a":1,"\\u0061":2}]`)
  expect(twice.status).toBe(400)
  const broken = await post(`[${good},{"event_type":]`)
  expect(broken.status).toBe(400)
  expect(await broken.text()).toMatch(/\d+/)
  const invalid = await post(
    Buffer.concat([Buffer.from('{"event_type":"default","a":"'), Buffer.from([0xff]), Buffer.from('"}')]),
  )
  expect(invalid.status).toBe(400)
  expect(await count('events', "event_id = 'beside-bad'")).toBe(0)
})

test('a body over the limit is refused', async () => {
  const answer = await post(Buffer.alloc(11 * 1024 * 1024, 0x20))
  expect(answer.status).toBe(413)
})

test('a header cannot overwrite a field of the event', async () => {
  const headers = {
    Event_type: 'default',
    'Event-Type': 'default',
    type: 'wood_sword',
    cost: '1',
    Host: 'user9.comcast.com',
  }
  const answer = await fetch(`${landfall.http}/purchase_a_sword/katana`, { headers })
  expect(answer.status).toBe(200)
  const rows = await landfall.query("select event_type, type, cost from purchases where type = 'katana'")
  expect(rows).toEqual([{ event_type: 'purchase_sword', type: 'katana', cost: 10 }])
})

test('credentials never reach the log', async () => {
  const secret = 'correct-horse-battery-staple'
  const headers = { Authorization: `Basic ${secret}`, Cookie: `session=${secret}`, 'X-Api-Key': secret }
  await fetch(`${landfall.http}/purchase_a_sword/sabre`, { headers })
  await post('{"event_id":"with-secret","event_type":"default"}', headers)
  expect(await count('events', "event_id = 'with-secret'")).toBe(1)
  const files = (folder: string): string[] =>
    readdirSync(folder).flatMap((name) => {
      const path = join(folder, name)
      return statSync(path).isDirectory() ? files(path) : [path]
    })
  const leaks = files(landfall.data).filter((file) => readFileSync(file).includes(secret))
  expect(leaks).toEqual([])
  expect(landfall.output()).not.toContain(secret)
})

test('what is not declared is a clear 404 and leaves nothing', async () => {
  const answer = await fetch(`${landfall.http}/purchase_a_swor`)
  expect(answer.status).toBe(404)
  expect((await answer.text()).toLowerCase()).toContain('not found')
})

test('after all of this the pipeline answers as before', async () => {
  const answer = await fetch(`${landfall.http}/purchase_a_sword/estoc`)
  expect(await answer.text()).toBe('Sword Purchased! estoc\n')
  expect(await count('purchases', "type = 'estoc'")).toBe(1)
})
