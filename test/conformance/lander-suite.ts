/**
 * What every lander promises, over whatever log and lake it lands (docs/formats/lander.md).
 *
 *   landerSuite('Spark', { open: (pipeline) => SparkWorld.open(pipeline), missing })
 */
import { join } from 'node:path'
import { Type } from 'typebox'
import { describe, expect, test } from 'vitest'
import { LandfallError } from '../../src/base/errors.ts'
import type { Lake } from '../../src/lake/lake.ts'
import { property } from '../../src/lake/lake.ts'
import type { DeadReason } from '../../src/lander/dead-reasons.ts'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import { healedEventId } from '../../src/model/healed.ts'
import type { CompiledPipeline } from '../../src/model/pipeline.ts'
import { formatPosition } from '../../src/model/position.ts'
import { game, type World } from '../lander/support.ts'

export interface LanderSubject {
  /** A world with an empty log of one partition and an empty lake. */
  open(pipeline?: CompiledPipeline): Promise<World>
  /** Why it cannot run here. */
  missing?: string
  /** Of one test; for engines that take their time. */
  timeoutMs?: number
}

const sword = (type = 'sabre', cost: unknown = 6) => ({ event_type: 'purchase_sword', type, cost })
const guild = (name: string) => ({ event_type: 'join_guild', guild_name: name })
const IN_ORDER = 'ORDER BY "partition", "offset"'

export function landerSuite(name: string, subject: LanderSubject): void {
  const it = (what: string, work: (world: World) => Promise<void>, pipeline?: CompiledPipeline) =>
    test(what, { timeout: subject.timeoutMs ?? 60_000 }, async ({ skip }) => {
      if (subject.missing !== undefined) return skip(subject.missing)
      await using world = await subject.open(pipeline)
      await work(world)
    })

  describe(`${name} as a lander`, () => {
    it('lands an event once in every table it matches, with the values that were sent', async (world) => {
      await world.send(
        { event: { ...sword('s\u00e9"\\', 6), Host: 'user1' }, id: 'a', at: 123_456 },
        {
          event: { event_type: 'purchase_shield', type: 'buckler', cost: null },
          id: 'b',
          headers: { Host: 'h' },
        },
        { event: { event_type: 'default' }, id: 'c' },
      )
      expect(await world.land()).toEqual({ records: 3, landed: 3, dead: 0, duplicate: 0, batches: 1 })
      const purchases = await world.rows(
        'purchases',
        '"Host", type, cost, epoch_us(timestamp) % 1000000 AS us',
        'ORDER BY timestamp DESC',
      )
      expect(purchases).toEqual([
        { Host: 'user1', type: 's\u00e9"\\', cost: '6', us: '123456' },
        { Host: 'h', type: 'buckler', cost: null, us: '0' },
      ])
      expect(await world.rows('sword_purchases', 'type')).toEqual([{ type: 's\u00e9"\\' }])
      expect(await world.rows('guilds')).toEqual([])
      expect(await world.rows('events', 'event_id, "offset", event_type', IN_ORDER)).toEqual([
        { event_id: 'a', offset: '0', event_type: 'purchase_sword' },
        { event_id: 'b', offset: '1', event_type: 'purchase_shield' },
        { event_id: 'c', offset: '2', event_type: 'default' },
      ])
    })

    it('lands a healed event once for all, whatever comes again under its id and however late', async (world) => {
      const hour = 3_600_000_000
      const id = healedEventId({ logId: world.log.id, partition: 0, offset: 0 })
      const healed = (type: string, at: number) => ({
        event: sword(type),
        id,
        at,
        happened: 5,
        headers: { Host: 'h' },
      })
      await world.send({ event: sword('sabre', '6'), id: 'a', at: 5, headers: { Host: 'h' } })
      expect(await world.land()).toMatchObject({ landed: 0, dead: 1 })
      await world.send(healed('mended', hour), healed('otherwise', 2 * hour))
      expect(await world.land()).toMatchObject({ landed: 1, dead: 0, duplicate: 1 })
      // The window is an hour.
      await world.send({ event: { event_type: 'default' }, at: 999 * hour }, healed('late', 1000 * hour))
      expect(await world.land()).toMatchObject({ landed: 1, dead: 0, duplicate: 1 })
      expect(
        await world.rows(
          'purchases',
          '"Host", type, epoch_us(timestamp) % 1000000 AS us, hour(timestamp) AS h',
        ),
      ).toEqual([{ Host: 'h', type: 'mended', us: '5', h: '12' }])
      expect(
        await world.rows('events', 'event_id, hour(received_at) AS h', `WHERE event_id LIKE 'healed:%'`),
      ).toEqual([{ event_id: id, h: '13' }])
      expect(await world.rows('dead_letters', 'event_id, reason, request_headers')).toEqual([
        { event_id: 'a', reason: 'type', request_headers: '{"Host":"h"}' },
      ])
    })

    it('keeps what does not fit the plan as dead letters, with the reason and the bytes', async (world) => {
      const told: DeadReason[] = []
      await world.send(
        { event: sword('sabre', '6'), id: 'a' },
        { event: sword('sabre', 5.5), id: 'b' },
        { event: { event_type: 'purchase_sword', cost: 1 }, id: 'c' },
        { event: { event_type: 'purchase_swrd', type: 'x', cost: 1 }, id: 'd' },
        { event: '{"event_type":', id: 'e', plan: null },
        { event: sword(), id: 'f' },
      )
      const report = await world.land({ onDead: (reason) => told.push(reason) })
      expect(report).toEqual({ records: 6, landed: 1, dead: 5, duplicate: 0, batches: 1 })
      expect(await world.rows('dead_letters', 'event_id, reason, field', IN_ORDER)).toEqual([
        { event_id: 'a', reason: 'type', field: 'cost' },
        { event_id: 'b', reason: 'type', field: 'cost' },
        { event_id: 'c', reason: 'missing', field: 'type' },
        { event_id: 'd', reason: 'unknown_event_type', field: 'event_type' },
        { event_id: 'e', reason: 'malformed_json', field: null },
      ])
      expect(await world.rows('dead_letters', 'raw_event', `WHERE event_id = 'a'`)).toEqual([
        { raw_event: JSON.stringify(sword('sabre', '6')) },
      ])
      expect(told.map(({ reason }) => reason).sort()).toEqual([
        'malformed_json',
        'missing',
        'type',
        'unknown_event_type',
      ])
      expect(await world.rows('events', 'event_id')).toEqual([{ event_id: 'f' }])
    })

    it('counts repeats in a batch and over batches, and lands none of them again', async (world) => {
      await world.send(
        { event: sword('a'), id: 'a' },
        { event: sword('a'), id: 'a', at: 5 },
        { event: sword('b'), id: 'b' },
      )
      expect(await world.land()).toMatchObject({ landed: 2, duplicate: 1 })
      await world.send(
        { event: sword('a'), id: 'a', at: 7 },
        // Fields in another order, and one that is declared volatile.
        { event: '{"cost":6,"sent_at":1,"type":"b","event_type":"purchase_sword"}', id: 'b', at: 9 },
        { event: sword('c'), id: 'c', at: 10 },
      )
      expect(await world.land()).toMatchObject({ records: 3, landed: 1, dead: 0, duplicate: 2 })
      expect(await world.rows('events', 'event_id', IN_ORDER)).toEqual([
        { event_id: 'a' },
        { event_id: 'b' },
        { event_id: 'c' },
      ])
      expect(await world.rows('purchases', 'count(*) AS n')).toEqual([{ n: '3' }])
    })

    it('keeps an id with other content as a conflict, also beyond a restart, and forgets ids after the window', async (world) => {
      const hour = 3_600_000_000
      await world.send({ event: sword('a'), id: 'a' }, { event: sword('other'), id: 'a', at: 1 })
      expect(await world.land()).toMatchObject({ landed: 1, dead: 1, duplicate: 0 })
      await world.send(
        { event: sword('another'), id: 'a', at: 2 },
        { event: sword('a'), id: 'a', at: hour },
        // The window begins with the first one, and a chain of repeats does not stretch it.
        { event: sword('later'), id: 'a', at: hour + 1 },
        { event: sword('later'), id: 'a', at: hour + 2 },
      )
      expect(await world.land()).toEqual({ records: 4, landed: 1, dead: 1, duplicate: 2, batches: 1 })
      expect(await world.rows('dead_letters', '"offset", reason, field, detail', IN_ORDER)).toEqual([
        {
          offset: '1',
          reason: 'id_conflict',
          field: 'event_id',
          detail: 'offset 0 has the same event_id and other content',
        },
        {
          offset: '2',
          reason: 'id_conflict',
          field: 'event_id',
          detail: 'offset 0 has the same event_id and other content',
        },
      ])
      expect(await world.rows('events', '"offset"', IN_ORDER)).toEqual([{ offset: '0' }, { offset: '4' }])
    })

    it('writes position, batch, epoch and counters with each commit, and the counters close', async (world) => {
      await world.send(
        { event: sword(), id: 'a' },
        { event: sword('x', 'y'), id: 'b' },
        { event: sword(), id: 'a' },
      )
      await world.land()
      await world.send({ event: guild('g'), id: 'c' })
      await world.land()
      const end = await world.log.end()
      const counters = { 0: { records: 4, landed: 2, dead: 1, duplicate: 1 } }
      const events = (await world.lake.load('events'))!
      expect(events).toMatchObject({ position: end, batch: 2, counters })
      const summary = events.metadata.snapshots.at(-1)!.summary
      expect(summary).toMatchObject({
        [property.position]: formatPosition(end),
        [property.batch]: '2',
        [property.epoch]: String(events.epoch),
      })
      const guilds = (await world.lake.load('guilds'))!
      expect(guilds).toMatchObject({ position: end, batch: 2, epoch: events.epoch })
      // Without rows there is no commit; the position stays behind.
      expect((await world.lake.load('purchases'))!.position).toEqual({ logId: end.logId, next: { 0: 3 } })
    })

    it('lands under a new definition from the next batch on', async (world) => {
      await world.send({ event: sword('a'), id: 'a' })
      await world.land()
      const wider = definePipeline({
        name: 'game',
        events: {
          purchase_sword: Type.Object({
            type: Type.String(),
            cost: Type.Union([Type.Integer(), Type.Null()]),
            gift: Type.Optional(Type.Boolean()),
          }),
          purchase_shield: Type.Object({
            type: Type.String(),
            cost: Type.Union([Type.Integer(), Type.Null()]),
          }),
          join_guild: Type.Object({
            guild_name: Type.String(),
            members: Type.Optional(Type.Integer({ minimum: 0 })),
          }),
          default: Type.Object({}),
          logout: Type.Object({ after: Type.Number() }),
        },
        tables: {
          sword_purchases: { events: ['purchase_sword'], headers: ['Host', 'User-Agent'] },
          purchases: { events: '*purchase*', headers: ['Host', 'User-Agent'] },
          guilds: { events: ['join_guild'], headers: ['Host'] },
          logouts: { events: ['logout'] },
        },
        duplicates: { window: '1h', volatile: ['sent_at'] },
      }).compiled
      await world.send(
        { event: { ...sword('b'), gift: true }, id: 'b', plan: wider.plan.version },
        { event: { event_type: 'logout', after: 1.5 }, id: 'c', plan: wider.plan.version },
        { event: sword('a'), id: 'a', plan: wider.plan.version },
      )
      expect(await world.land({ pipeline: wider })).toMatchObject({ landed: 2, duplicate: 1 })
      expect(await world.rows('purchases', 'type, gift', 'ORDER BY type')).toEqual([
        { type: 'a', gift: null },
        { type: 'b', gift: true },
      ])
      expect(await world.rows('logouts', 'after')).toEqual([{ after: 1.5 }])
    })

    it('finishes the batch of a lander that died between its commits, and lands nothing twice', async (world) => {
      await world.send({ event: sword('a'), id: 'a' })
      await world.land()
      await world.send(
        { event: sword('b'), id: 'b' },
        { event: guild('g'), id: 'g' },
        { event: sword('x', 'y'), id: 'c' },
      )
      const { lake } = world
      const dying = await world.open({ lake: deadBefore(lake, 'events') })
      await expect(dying.landToEnd()).rejects.toMatchObject({ code: 'test/killed' })
      await dying[Symbol.asyncDispose]()
      expect((await lake.load('purchases'))!.batch).toBe(2)
      expect((await lake.load('events'))!.batch).toBe(1)
      // What comes after the plan belongs to the batch after it.
      await world.send({ event: sword('d'), id: 'd' })
      expect(await world.land()).toMatchObject({ records: 1, landed: 1, batches: 1 })
      expect(await world.rows('purchases', 'type', 'ORDER BY type')).toEqual([
        { type: 'a' },
        { type: 'b' },
        { type: 'd' },
      ])
      expect(await world.rows('events', 'event_id', IN_ORDER)).toEqual([
        { event_id: 'a' },
        { event_id: 'b' },
        { event_id: 'g' },
        { event_id: 'd' },
      ])
      expect(await world.rows('dead_letters', 'event_id')).toEqual([{ event_id: 'c' }])
      expect((await lake.load('events'))!).toMatchObject({
        batch: 3,
        counters: { 0: { records: 5, landed: 4, dead: 1, duplicate: 0 } },
      })
    })

    it('is fenced by a successor: what it still wants to commit is refused', async (world) => {
      await world.send({ event: sword('a'), id: 'a' })
      const old = await world.open()
      const young = await world.open({
        directory: join(world.directory, 'other'),
        spoolDirectory: join(world.directory, 'other-spool'),
      })
      await expect(old.landToEnd()).rejects.toMatchObject({ code: 'lake/fenced' })
      expect(await young.landToEnd()).toMatchObject({ landed: 1 })
      await old[Symbol.asyncDispose]()
      await young[Symbol.asyncDispose]()
      expect(await world.rows('purchases', 'type')).toEqual([{ type: 'a' }])
    })

    it('follows the log until it is told to stop', async (world) => {
      const lander = await world.open({ settings: { batchAgeMs: 200, idleMs: 100 } })
      const stop = new AbortController()
      const running = lander.run(stop.signal)
      for (const id of ['a', 'b', 'c']) {
        await world.send({ event: sword(id), id })
        await new Promise((resolve) => setTimeout(resolve, 300))
      }
      const until = performance.now() + 60_000
      while ((lander.status().counters[0]?.landed ?? 0) < 3 && performance.now() < until)
        await new Promise((resolve) => setTimeout(resolve, 50))
      expect(lander.status()).toMatchObject({ pending: 0, error: null })
      stop.abort()
      await running
      await lander[Symbol.asyncDispose]()
      expect(await world.rows('purchases', 'type', 'ORDER BY type')).toEqual([
        { type: 'a' },
        { type: 'b' },
        { type: 'c' },
      ])
    })
  })
}

/** A lake whose process dies before the commit of a table, as seen from its lander. */
export function deadBefore(lake: Lake, table: string): Lake {
  const refuse = () => Promise.reject(new LandfallError('closed', 'test/killed', 'killed'))
  return new Proxy(lake, {
    get(target, key) {
      const method = Reflect.get(target, key) as unknown
      if (typeof method !== 'function') return method
      const bound = method.bind(target) as (name: string, ...rest: unknown[]) => unknown
      if (key !== 'commit' && key !== 'commitStaged') return bound
      return (name: string, ...rest: unknown[]) => (name === table ? refuse() : bound(name, ...rest))
    },
  })
}

export { game }
