/** System B on real engines: the seeds' load through `landfall up` with URLs, and its questions to whoever answers. */
import assert from 'node:assert/strict'
import game from '../../examples/game/pipeline.ts'
import { openTrinoEngine } from '../../src/sql/drivers/trino.ts'
import type { SqlEngine } from '../../src/sql/sql.ts'
import { landfall } from '../cli/run-cli.ts'
import { GAME_ANSWERS, GAME_ROUNDS } from '../support/seed-game.ts'

export const GAME = 'examples/game/pipeline.ts'

/** The seeds' rounds, in their order, by the command that a person would use. Throws unless every request was answered well. */
export async function playGame(http: string, rounds = GAME_ROUNDS): Promise<void> {
  const ended = await landfall(['simulate', GAME, '--rounds', String(rounds), '--http', http])
  if (ended.code !== 0) throw new Error(`simulate ended with ${ended.code}: ${ended.stdout}${ended.stderr}`)
}

/** Every question that can be asked everywhere: those over views and files of the pipeline only our own door answers. */
export async function askGame(engine: SqlEngine): Promise<Record<string, string[][]>> {
  const answers: Record<string, string[][]> = {}
  for (const { name, sql } of game.compiled.questions) {
    if (!(name in GAME_ANSWERS)) continue
    const rows: string[][] = []
    for await (const page of (await engine.query(sql)).pages) rows.push(...page.map((row) => row.map(String)))
    answers[name] = rows
  }
  return answers
}

/** Whoever answers at a URL answers as the seeds do. */
export async function expectGame(url: string): Promise<void> {
  await using engine = openTrinoEngine(url)
  assert.deepEqual(await askGame(engine), GAME_ANSWERS)
}

/** Every event is in `events` once, and nowhere else than it belongs. */
export async function expectCounts(url: string): Promise<void> {
  await using engine = openTrinoEngine(url)
  const { pages } =
    await engine.query(`SELECT count(*), count(DISTINCT event_id), (SELECT count(*) FROM purchases),
    (SELECT count(*) FROM sword_purchases), (SELECT count(*) FROM guilds), (SELECT count(*) FROM dead_letters) FROM events`)
  const rows = []
  for await (const page of pages) rows.push(...page)
  assert.deepEqual(rows, [[1144, 1144, 364, 260, 780, 0]])
}
