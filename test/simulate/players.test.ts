import { expect, test } from 'vitest'
import bank from '../../examples/bank/pipeline.ts'
import shop from '../../examples/express/pipeline.ts'
import game from '../../examples/game/pipeline.ts'
import gameSimple from '../../examples/game-simple/pipeline.ts'
import { checkEvent } from '../../src/model/check-event.ts'
import type { Pipeline } from '../../src/model/definition.ts'
import {
  type HistoryEvent,
  type HistoryOptions,
  simulateHistory,
  simulatePlayers,
} from '../../src/simulate/simulate.ts'

const DAY_MS = 86_400_000
const until = Date.UTC(2026, 5, 1)
const from = until - 30 * DAY_MS
const EXAMPLES = { game, gameSimple, bank, shop } as Record<string, Pipeline>

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

function historyOf(pipeline: Pipeline, options: Partial<HistoryOptions> = {}): Promise<HistoryEvent[]> {
  return collect(simulateHistory(pipeline, { players: 300, seed: 5, from, until, ...options }))
}

const month = await historyOf(game as Pipeline, { players: 1000 })

function countBy<T>(items: readonly T[], key: (item: T) => string | number): Map<string | number, number> {
  const counts = new Map<string | number, number>()
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1)
  return counts
}

/** Sessions of each player, split where nothing happened for half an hour. */
function sessionsOf(events: readonly HistoryEvent[]): HistoryEvent[][] {
  const open = new Map<number, HistoryEvent[]>()
  const sessions: HistoryEvent[][] = []
  for (const event of events) {
    const session = open.get(event.player)
    if (session !== undefined && event.time - session.at(-1)!.time < 30 * 60_000) session.push(event)
    else {
      const begun = [event]
      open.set(event.player, begun)
      sessions.push(begun)
    }
  }
  return sessions
}

test('the same seed gives the same events, byte for byte; another seed others', async () => {
  const [one, again, other] = [
    await historyOf(game as Pipeline),
    await historyOf(game as Pipeline),
    await historyOf(game as Pipeline, { seed: 6 }),
  ]
  expect(one.length).toBeGreaterThan(1000)
  expect(again).toEqual(one)
  expect(other.map(({ event }) => event)).not.toEqual(one.map(({ event }) => event))
  const requests = (seed: number) =>
    Array.from(
      { length: 2000 },
      (
        (players) => () =>
          players.next().value
      )(simulatePlayers(game as Pipeline, { players: 50, seed, from })),
    )
  expect(requests(3)).toEqual(requests(3))
  expect(requests(3)).not.toEqual(requests(4))
})

test('events come in the order of time, within the bounds, each with its own id', () => {
  for (const [i, { time }] of month.entries()) {
    expect(time).toBeGreaterThanOrEqual(i === 0 ? from : month[i - 1]!.time)
  }
  expect(month.at(-1)!.time).toBeLessThan(until)
  expect(new Set(month.map(({ event }) => JSON.parse(event).event_id)).size).toBe(month.length)
})

test.for(Object.keys(EXAMPLES))('every event of %s is one that its plan accepts', async (name) => {
  const pipeline = EXAMPLES[name]!
  const events = await historyOf(pipeline, { players: 60 })
  expect(events.length).toBeGreaterThan(200)
  const faults = events.map(({ event }) => checkEvent(pipeline.compiled.plan, event)).filter(Boolean)
  expect(faults).toEqual([])
  const types = countBy(events, ({ event }) => JSON.parse(event).event_type as string)
  expect([...types.keys()].sort()).toEqual(Object.keys(pipeline.compiled.plan.events).sort())
})

test('the evening is full and the night is quiet, and weekends are busier', () => {
  const hours = countBy(month, ({ time }) => new Date(time).getUTCHours())
  const share = (from: number, to: number) => {
    let sum = 0
    for (let hour = from; hour < to; hour++) sum += hours.get(hour) ?? 0
    return sum / month.length
  }
  expect(share(18, 23)).toBeGreaterThan(0.35)
  expect(share(2, 6)).toBeLessThan(0.06)
  const days = countBy(month, ({ time }) => Math.floor(time / DAY_MS))
  const mean = (weekend: boolean) => {
    const chosen = [...days].filter(
      ([day]) => [0, 6].includes(new Date(Number(day) * DAY_MS).getUTCDay()) === weekend,
    )
    return chosen.reduce((sum, [, count]) => sum + count, 0) / chosen.length
  }
  expect(mean(true)).toBeGreaterThan(1.1 * mean(false))
})

test('sessions per player are heavy-tailed: most come a few times, few come always', () => {
  const perPlayer = [...countBy(sessionsOf(month), ([first]) => first!.player).values()].sort((a, b) => b - a)
  const sum = perPlayer.reduce((total, count) => total + count, 0)
  const top = perPlayer.slice(0, perPlayer.length / 10).reduce((total, count) => total + count, 0)
  expect(perPlayer.length).toBe(1000)
  expect(top / sum).toBeGreaterThan(0.35)
  expect(perPlayer[perPlayer.length / 2]!).toBeLessThan(sum / perPlayer.length / 1.5)
})

test('players return, drop out, and come anew', () => {
  const days = Map.groupBy(month, ({ player }) => player)
  const spans = [...days.values()].map((events) => ({
    first: Math.floor((events[0]!.time - from) / DAY_MS),
    last: Math.floor((events.at(-1)!.time - from) / DAY_MS),
  }))
  const returned = spans.filter(({ first, last }) => last > first).length
  const gone = spans.filter(({ last }) => last < 20).length
  const arrivedLate = spans.filter(({ first }) => first >= 15).length
  expect(returned).toBeGreaterThan(500)
  expect(gone).toBeGreaterThan(200)
  expect(arrivedLate).toBeGreaterThan(100)
  expect(returned).toBeLessThan(950)
})

test('each step of the funnel loses some of those who did the one before', () => {
  const funnel = game.definition.simulate!.funnel!
  const sessions = sessionsOf(month)
  const reached = funnel.map(
    (_, depth) =>
      sessions.filter((session) => {
        let done = 0
        for (const { step } of session) if (step === funnel[done]) done += 1
        return done > depth
      }).length,
  )
  expect(reached[0]!).toBeGreaterThan(reached[1]! * 1.2)
  expect(reached[1]!).toBeGreaterThan(reached[2]! * 1.2)
  expect(reached[2]!).toBeGreaterThan(100)
})

test('few spend much, and items and guilds have their favourites', () => {
  const spent = new Map<number, number>()
  const guilds = new Map<string, number>()
  for (const { player, event } of month) {
    const { cost, guild_name, event_type } = JSON.parse(event)
    if (cost > 0) spent.set(player, (spent.get(player) ?? 0) + cost)
    if (event_type === 'join_guild') guilds.set(guild_name, (guilds.get(guild_name) ?? 0) + 1)
  }
  const sums = [...spent.values()].sort((a, b) => b - a)
  const total = sums.reduce((sum, money) => sum + money, 0)
  const top = sums.slice(0, 50).reduce((sum, money) => sum + money, 0)
  expect(top / total).toBeGreaterThan(0.4)
  const sizes = [...guilds.values()].sort((a, b) => b - a)
  expect(sizes[0]!).toBeGreaterThan(2 * sizes.at(-1)!)
})

test('who leaves a guild was in it, and its counts are those of the state', () => {
  const inside = new Set<string>()
  const members = new Map<string, number>()
  for (const { player, event } of month) {
    const { event_type, guild_name, guild_member_cnt } = JSON.parse(event)
    if (guild_name === undefined) continue
    const key = `${player} ${guild_name}`
    expect(inside.has(key)).toBe(event_type === 'leave_guild')
    if (event_type === 'leave_guild') inside.delete(key)
    else inside.add(key)
    const count = (members.get(guild_name) ?? 0) + (event_type === 'leave_guild' ? -1 : 1)
    members.set(guild_name, count)
    expect(guild_member_cnt).toBe(count)
  }
  expect(inside.size).toBeGreaterThan(100)
})
