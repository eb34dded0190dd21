/** 30 days of 1,000 players of the game, as its history door takes them in: received at once, with times of their own; landed by the real lander. */
import game from '../../examples/game/pipeline.ts'
import type { Pipeline } from '../../src/model/definition.ts'
import { recordHeader } from '../../src/model/record.ts'
import { namedOf } from '../../src/pipeline/named.ts'
import { type Effect, simulateHistory } from '../../src/simulate/simulate.ts'
import { openDuckdbEngine } from '../../src/sql/drivers/duckdb/duckdb-engine.ts'
import type { SqlEngine } from '../../src/sql/sql.ts'
import { World } from '../lander/support.ts'

const DAY_MS = 86_400_000
export const UNTIL = Date.UTC(2026, 5, 1)
export const WEEK = UNTIL - 7 * DAY_MS
export const pipeline = (game as Pipeline).compiled

export interface History extends AsyncDisposable {
  world: World
  engine: SqlEngine
}

export interface HistoryInput {
  seed: number
  players?: number
  effects?: Effect[]
  /** Events that nobody can use, spread over the last week. */
  bad?: number
}

const APPENDED_AT_ONCE = 2000

export async function openHistory({
  seed,
  players = 1000,
  effects = [],
  bad = 0,
}: HistoryInput): Promise<History> {
  const world = new World(pipeline)
  const from = UNTIL - 30 * DAY_MS
  const history = simulateHistory(game as Pipeline, { players, seed, from, until: UNTIL, effects })
  let values: string[] = []
  const append = async () => {
    const headers = [
      [recordHeader.plan, pipeline.plan.version] as const,
      [recordHeader.source, 'history'] as const,
    ]
    await world.log.append(
      values.map((value) => ({ key: null, value: Buffer.from(value), receivedAt: UNTIL * 1000, headers })),
    )
    values = []
  }
  for await (const { event } of history) {
    values.push(event)
    if (values.length === APPENDED_AT_ONCE) await append()
  }
  for (let i = 0; i < bad; i++) {
    const timestamp = new Date(WEEK + ((i + 0.5) * (UNTIL - WEEK)) / bad).toISOString()
    values.push(
      JSON.stringify({
        event_type: 'purchase_sword',
        type: 'sabre',
        cost: 'much',
        Host: 'user1.comcast.com',
        timestamp,
        n: i,
      }),
    )
  }
  await append()
  await world.land()
  const engine = await openDuckdbEngine({
    lake: world.openLake(),
    named: namedOf(pipeline, 'examples/game/pipeline.ts'),
  })
  return {
    world,
    engine,
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]()
      await world[Symbol.asyncDispose]()
    },
  }
}
