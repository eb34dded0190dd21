import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Type } from 'typebox'
import { expect, test, vi } from 'vitest'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import { defineRepair } from '../../src/model/define-repair.ts'
import { healedEventId } from '../../src/model/healed.ts'
import { recordHeader } from '../../src/model/record.ts'
import { isTaken, putIntoInbox } from '../../src/pipeline/dead-letters/replay-inbox.ts'
import { openDoor } from '../../src/pipeline/door.ts'
import { openDataLog } from '../../src/pipeline/readers.ts'
import { until } from '../support/landfall.ts'
import { Folder, logger } from './support.ts'

// Healed events on their way into the log: by a running door, past doors that died, and when the one who heals is killed.

vi.setConfig({ testTimeout: 300_000 })

const pipeline = definePipeline({
  name: 'shop',
  events: { buy: Type.Object({ cost: Type.Integer() }) },
  tables: { bought: { events: ['buy'] } },
})
const shop = pipeline.compiled
const broken = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ event: { event_type: 'buy', cost: `${i}` } }))
const toNumber = defineRepair((sent) => ({ ...sent, cost: Number(sent['cost']) }))

const door = (folder: Folder) =>
  openDoor({
    pipeline,
    places: folder.places,
    listen: { host: '127.0.0.1', port: 0 },
    insecure: false,
    collector: {},
    log: {},
    logger: logger as never,
    onReason() {},
  })

async function expectOnceEach(folder: Folder, count: number): Promise<void> {
  await folder.land(shop)
  const [row] = await folder.rows('bought', 'count(*)::INT AS n, count(DISTINCT cost)::INT AS d')
  expect(row).toEqual({ n: count, d: count })
  const { records, landed, dead, duplicate } = await folder.counters()
  expect({ landed, dead, sum: landed + dead + duplicate }).toEqual({
    landed: count,
    dead: count,
    sum: records,
  })
}

test('a running door takes healed events, and no client can make one', async () => {
  await using folder = new Folder()
  await folder.send(shop, broken(700))
  await folder.land(shop)
  const running = await door(folder)
  try {
    await using reader = await openDataLog(folder.places)
    const id = healedEventId({ logId: reader.id, partition: 0, offset: 0 })
    const forged = await fetch(`${running.address}/v1/events`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', id, at: '1' },
      body: JSON.stringify({ event_type: 'buy', cost: 1_000_000, event_id: id }),
    })
    expect(forged.status).toBe(200)
    const { results } = (await forged.json()) as { results: { event_id: string; reason: string }[] }
    expect(results[0]).toMatchObject({ reason: 'value', field: 'event_id' })
    expect(results[0]!.event_id).not.toBe(id)
    expect(await folder.replay(shop, toNumber, { apply: true })).toMatchObject({ heals: 700 })
  } finally {
    await running.close()
  }
  expect(readdirSync(folder.places.paths.replay)).toEqual([])
  await folder.land(shop)
  const rows = await folder.rows(
    'events',
    `event_id LIKE 'healed:%' AS healed, count(*)::INT AS n`,
    'GROUP BY 1 ORDER BY 1',
  )
  expect(rows).toEqual([
    { healed: false, n: 1 },
    { healed: true, n: 700 },
  ])
})

test('what a door that died had taken and not let go of is taken again, and lands once', async () => {
  await using folder = new Folder()
  await folder.send(shop, broken(2))
  await folder.land(shop)
  await using reader = await openDataLog(folder.places)
  const record = (offset: number) => ({
    value: JSON.stringify({ event_type: 'buy', cost: offset }),
    headers: [
      [recordHeader.eventId, healedEventId({ logId: reader.id, partition: 0, offset })],
      [recordHeader.plan, shop.plan.version],
    ] as [string, string][],
  })
  const { replay } = folder.places.paths
  const names = [
    await putIntoInbox(replay, [record(0), record(1)]),
    await putIntoInbox(replay, [record(0), record(1)]),
  ]
  // Of a hand-over that was killed before its rename; and one that nobody of ours has written.
  writeFileSync(join(replay, 'half.json.1.tmp'), '{"format":')
  writeFileSync(join(replay, 'old.json.1.tmp'), '{"format":')
  utimesSync(join(replay, 'old.json.1.tmp'), new Date(), new Date(Date.now() - 2 * 3_600_000))
  writeFileSync(join(replay, 'foreign.json'), '{"hello":1}')
  const running = await door(folder)
  try {
    for (const name of names) await until('the door to take it', () => isTaken(replay, name), 120_000)
    const isRefused = () =>
      isTaken(replay, 'foreign').then(
        () => false,
        (error: { code: string }) => error.code === 'log/refused',
      )
    await until('the door to refuse it', isRefused, 120_000)
  } finally {
    await running.close()
  }
  // Somebody may be writing the one; the other is hours old.
  expect(readdirSync(replay).filter((name) => name.endsWith('.tmp'))).toEqual(['half.json.1.tmp'])
  expect(await folder.records()).toBe(6)
  await expectOnceEach(folder, 2)
})

test('a door that dies while it is waited for is not needed: whoever heals takes the log', async () => {
  await using folder = new Folder()
  await folder.send(shop, broken(600))
  await folder.land(shop)
  // It holds the log and looks into no inbox.
  const { openLogAt } = await import('../../src/pipeline/rooms.ts')
  const holder = await openLogAt(folder.places)
  const replaying = folder.replay(shop, toNumber, { apply: true })
  await until(
    'the first events to be handed over',
    () => folder.places.paths.replay && handedOver(folder) > 0,
    120_000,
  )
  await holder[Symbol.asyncDispose]()
  expect(await replaying).toMatchObject({ heals: 600 })
  expect(handedOver(folder)).toBe(0)
  await expectOnceEach(folder, 600)
})

function handedOver(folder: Folder): number {
  try {
    return readdirSync(folder.places.paths.replay).filter((name) => name.endsWith('.json')).length
  } catch {
    return 0
  }
}

test('killed in the middle and done again, each event lands once', async () => {
  await using folder = new Folder()
  const count = 4000
  await folder.send(shop, broken(count))
  await folder.land(shop)
  const files = {
    'pipeline.ts': `import { definePipeline, Type } from 'landfall'
export default definePipeline({ name: 'shop', events: { buy: Type.Object({ cost: Type.Integer() }) }, tables: { bought: { events: ['buy'] } } })`,
    'repair.ts': `import { defineRepair } from 'landfall'
export default defineRepair((event) => ({ ...event, cost: Number(event.cost) }))`,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder.directory, name), text)
  const args = ['deadletters', 'replay', 'pipeline.ts', '--repair', 'repair.ts', '--apply', '--data', '.']
  const child = spawn(process.execPath, [resolve('bin/landfall.js'), ...args], {
    cwd: folder.directory,
    stdio: 'ignore',
  })
  const exited = once(child, 'exit')
  await until(
    'it to append',
    async () => (await folder.records()) > count || child.exitCode !== null,
    120_000,
  )
  child.kill('SIGKILL')
  await exited
  await folder.replay(shop, toNumber, { apply: true })
  expect(await folder.replay(shop, toNumber, { apply: true })).toMatchObject({ heals: 0 })
  await expectOnceEach(folder, count)
})
