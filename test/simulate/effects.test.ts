import { expect, test } from 'vitest'
import game from '../../examples/game/pipeline.ts'
import type { Pipeline } from '../../src/model/definition.ts'
import { type Effect, type HistoryEvent, simulateHistory } from '../../src/simulate/simulate.ts'

const DAY_MS = 86_400_000
const until = Date.UTC(2026, 5, 1)
const week = until - 7 * DAY_MS
const from = until - 30 * DAY_MS

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

function historyWith(effects: Effect[]): Promise<HistoryEvent[]> {
  return collect(simulateHistory(game as Pipeline, { players: 500, seed: 11, from, until, effects }))
}

const SWORD = 'GET /purchase_a_sword/:name'
const usual = await historyWith([])

const count = (events: HistoryEvent[], wanted: (event: HistoryEvent) => boolean) =>
  events.filter(wanted).length

test('nothing changes before an effect begins', async () => {
  const dropped = await historyWith([{ kind: 'drop', step: SWORD, factor: 0.3, from: week }])
  const before = (events: HistoryEvent[]) =>
    events.filter(({ time }) => time < week).map(({ time, player, step }) => ({ time, player, step }))
  expect(before(dropped)).toEqual(before(usual))
})

test('a drop: of those who would do the step only a part does', async () => {
  const dropped = await historyWith([{ kind: 'drop', step: SWORD, factor: 0.3, from: week }])
  const rate = (events: HistoryEvent[]) =>
    count(events, ({ time, step }) => time >= week && step === SWORD) /
    count(events, ({ time, step }) => time >= week && step === 'GET /')
  expect(rate(dropped)).toBeLessThan(0.45 * rate(usual))
  expect(rate(dropped)).toBeGreaterThan(0.1 * rate(usual))
})

test('a whale spends more than anybody else', async () => {
  const events = await historyWith([{ kind: 'whale', player: 7, factor: 8, from: week }])
  const spent = new Map<number, number>()
  for (const { time, player, event } of events) {
    const { cost } = JSON.parse(event)
    if (time >= week && cost > 0) spent.set(player, (spent.get(player) ?? 0) + cost)
  }
  const [first, second] = [...spent].sort(([, a], [, b]) => b - a)
  expect(first![0]).toBe(7)
  expect(first![1]).toBeGreaterThan(2 * second![1])
})

test('a declining guild is joined by nobody and left by its members', async () => {
  const events = await historyWith([{ kind: 'decline', value: 'grubs', from: week }])
  const guild = (wanted: string, since: number) => (event: HistoryEvent) => {
    const { event_type, guild_name } = JSON.parse(event.event)
    return event.time >= since && guild_name === 'grubs' && event_type === wanted
  }
  expect(count(events, guild('join_guild', week))).toBe(0)
  expect(count(events, guild('leave_guild', week))).toBeGreaterThan(
    3 * count(usual, guild('leave_guild', week)),
  )
  const last = events.findLast(({ event }) => JSON.parse(event).guild_name === 'grubs')!
  const peak = Math.max(
    ...events
      .map(({ event }) => JSON.parse(event))
      .filter(({ guild_name }) => guild_name === 'grubs')
      .map(({ guild_member_cnt }) => guild_member_cnt as number),
  )
  expect(JSON.parse(last.event).guild_member_cnt).toBeLessThan(peak / 2)
})

test('a step that there is not is refused, with the nearest name', async () => {
  await expect(
    historyWith([{ kind: 'drop', step: 'GET /purchase_a_swrd/:name', factor: 0.3, from: week }]),
  ).rejects.toMatchObject({
    code: 'simulate/effect',
    hint: expect.stringContaining('GET /purchase_a_sword/:name'),
  })
})
