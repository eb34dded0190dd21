import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { openFileCatalog } from '../../src/catalog/drivers/file.ts'
import { openLake } from '../../src/lake/iceberg-lake.ts'
import { openLander } from '../../src/lander/lander.ts'
import type { LogBatch, LogReader, ReadOptions } from '../../src/log/log.ts'
import type { Question } from '../../src/model/pipeline.ts'
import { planDirectory } from '../../src/model/plan-store.ts'
import type { Position } from '../../src/model/position.ts'
import { type Rehearsal, rehearse, type ShadowParts } from '../../src/pipeline/swap/rehearse.ts'
import { openLocalStorage } from '../../src/storage/drivers/local.ts'
import { game, World } from '../lander/support.ts'

const question = (name: string, sql: string): Question => ({ name, title: name, sql, chart: 'table' })
const pipeline = {
  ...game,
  questions: [
    question('items', 'SELECT type, count(*) AS n FROM purchases GROUP BY type ORDER BY n DESC'),
    question('guilds', 'SELECT count(*) FROM guilds'),
    question('wrong', 'SELECT nothing FROM guilds'),
  ],
}

let world: World
afterEach(() => world[Symbol.asyncDispose]())

async function fill(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const purchase = { event_type: 'purchase_sword', type: i % 3 === 0 ? 'katana' : 'sabre', cost: i }
    await world.send({ event: i % 10 === 9 ? { event_type: 'join_guild', guild_name: 'grubs' } : purchase })
  }
  await world.send({ event: { event_type: 'purchase_sword', type: 'sabre', cost: 'free' } })
}

/** A log whose one record is other bytes of the same length from the first read on. */
function altered(log: LogReader, at: number, value: string): LogReader {
  return {
    id: log.id,
    consecutive: log.consecutive,
    start: () => log.start(),
    end: () => log.end(),
    waitBeyond: (position, signal) => log.waitBeyond(position, signal),
    async *read(options: ReadOptions): AsyncGenerator<LogBatch> {
      for await (const batch of log.read(options)) {
        for (const record of batch.records) if (record.offset === at) record.value.write(value)
        yield batch
      }
    },
    async [Symbol.asyncDispose]() {},
  }
}

async function run(
  from: number,
  to: number,
  next: (log: LogReader) => LogReader = (log) => log,
): Promise<Rehearsal> {
  const position = (offset: number): Position => ({ logId: world.log.id, next: { 0: offset } })
  const lander = ({ log, ...parts }: ShadowParts, see: (log: LogReader) => LogReader) =>
    openLander({ pipeline, log: see(log), plans: planDirectory(join(world.directory, 'plans')), ...parts })
  return rehearse({
    pipeline,
    named: { views: [], reference: [] },
    log: world.log,
    from: position(from),
    to: position(to),
    namespace: 'default',
    async openLake(namespace) {
      const storage = openLocalStorage(join(world.directory, 'lake'))
      return openLake({ catalog: openFileCatalog(storage, namespace), storage })
    },
    landers: { now: (parts) => lander(parts, (log) => log), next: (parts) => lander(parts, next) },
    directory: join(world.directory, 'rehearsal'),
  })
}

test('two landers that do the same are told equal, and nothing is left behind', async () => {
  world = new World(pipeline)
  await fill(100)
  const { equal, records, tables, questions, sides } = await run(0, 101)
  expect({ equal, records }).toEqual({ equal: true, records: 101 })
  expect(sides.next).toMatchObject({ landed: 100, dead: 1, duplicate: 0 })
  expect(tables.map(({ table, now, next }) => [table, now.rows, next.rows])).toEqual([
    ['sword_purchases', 90, 90],
    ['purchases', 90, 90],
    ['guilds', 10, 10],
    ['dead_letters', 1, 1],
    ['events', 100, 100],
  ])
  expect(tables.every(({ now, next }) => now.checksum === next.checksum)).toBe(true)
  expect(questions.map(({ question, now }) => [question, now])).toEqual([
    ['items', 2],
    ['guilds', 1],
    ['wrong', null],
  ])
  expect(existsSync(join(world.directory, 'rehearsal'))).toBe(false)
  const left = readdirSync(join(world.directory, 'lake'), { recursive: true, withFileTypes: true })
  expect(left.filter((entry) => entry.isFile()).map(({ name }) => name)).toEqual([])
})

test('a lander that lands one value otherwise is found out, with the event, the column and both values', async () => {
  world = new World(pipeline)
  await fill(100)
  const value = JSON.stringify({ event_type: 'purchase_sword', type: 'katana', cost: 3 })
  const wrong = JSON.stringify({ event_type: 'purchase_sword', type: 'katana', cost: 4 })
  expect(wrong.length).toBe(value.length)
  const { equal, tables, questions } = await run(0, 101, (log) => altered(log, 3, wrong))
  expect(equal).toBe(false)
  expect(tables.filter((one) => !one.equal).map(({ table }) => table)).toEqual([
    'sword_purchases',
    'purchases',
    'events',
  ])
  expect(tables.at(-1)!.differences).toHaveLength(1)
  expect(tables.at(-1)!.differences[0]).toMatch(/^partition 0, offset 3: raw_event ".*3.*" is ".*4.*"$/)
  expect(tables[0]!.differences.join('\n')).toMatch(
    /only with the present lander: .*"3"[\s\S]*only with the next lander: .*"4"/,
  )
  expect(questions.every((one) => one.equal)).toBe(true)
})

test('an answer that differs is told with its rows', async () => {
  world = new World(pipeline)
  await fill(30)
  // Of the same length as the sword that it replaces.
  const other = JSON.stringify({ event_type: 'purchase_sword', type: 'rapier', cost: 3 })
  const { questions } = await run(0, 31, (log) => altered(log, 3, other))
  expect(questions[0]).toMatchObject({ question: 'items', now: 2, next: 3, equal: false })
  expect(questions[0]!.differences).toEqual([
    'only with the present lander: ["katana",9]',
    'only with the next lander: ["katana",8]',
    'only with the next lander: ["rapier",1]',
  ])
})

test('only the range is landed, from the middle of a frame to the middle of a frame', async () => {
  world = new World(pipeline)
  const events = Array.from({ length: 50 }, (_, i) => ({
    event: { event_type: 'purchase_sword', type: 'sabre', cost: i },
  }))
  await world.send(...events)
  const { equal, records, sides } = await run(7, 43)
  expect({ equal, records, landed: sides.now.landed }).toEqual({ equal: true, records: 36, landed: 36 })
})
