/** The SQL door over the seeds' game: 52 rounds of its load, landed by the lander, so that every client can be asked what is known. */
import { rm } from 'node:fs/promises'
import game from '../../../examples/game/pipeline.ts'
import { SILENT } from '../../../src/lander/logger.ts'
import { openEmbeddedLog } from '../../../src/log/drivers/embedded/embedded-log.ts'
import { planDirectory, savePlan } from '../../../src/model/plan-store.ts'
import { recordHeader } from '../../../src/model/record.ts'
import { openLanding } from '../../../src/pipeline/landing.ts'
import { dataPaths } from '../../../src/pipeline/paths.ts'
import { ownPlaces } from '../../../src/pipeline/places.ts'
import { openQuery } from '../../../src/pipeline/query.ts'
import { ExampleRun } from '../../model/run-example.ts'
import { temporaryFolder } from '../../support/landfall.ts'
import { GAME_ANSWERS, GAME_ROUND, GAME_ROUNDS } from '../../support/seed-game.ts'

export interface GameDoor extends AsyncDisposable {
  url: string
  host: string
  port: number
}

/** What every client is asked: SQL, and the answer as texts. */
export const QUESTIONS: { name: string; sql: string; answer: string[][] }[] = game.compiled.questions.map(
  ({ name, sql }) => ({ name, sql, answer: GAME_ANSWERS[name]! }),
)

export const TABLES = game.compiled.tables.map(({ name }) => name)

/** More pairs than can be counted while a test waits. */
export const ENDLESS = `SELECT count(*) FROM guilds a, guilds b, guilds c, guilds d, guilds e
  WHERE a.guild_name || b.guild_name || c.guild_name <> d.guild_name || e.guild_name`

/** 608,400 rows. */
export const LARGE =
  'SELECT a.guild_name, b.guild_member_cnt, a."timestamp" FROM guilds a CROSS JOIN guilds b'
export const LARGE_ROWS = 780 * 780

/**
 * Rounds of the load, landed below a directory; the lake where `places` say. Events are a microsecond apart, and `apartMicros` more: some
 * engines know milliseconds only.
 */
export async function landGame(
  data: string,
  rounds = GAME_ROUNDS,
  places = ownPlaces(data),
  apartMicros = 0,
): Promise<void> {
  const run = new ExampleRun(game)
  for (let round = 0; round < rounds; round++) {
    for (const [times, host, path] of GAME_ROUND) {
      for (let i = 0; i < times; i++) run.request(host, 'GET', path)
    }
  }
  const paths = dataPaths(data)
  const { plan } = game.compiled
  await savePlan(planDirectory(paths.plans), plan)
  {
    await using log = await openEmbeddedLog({ directory: paths.log })
    const records = run.events.map(({ event, micros }, i) => ({
      key: String(event['Host']),
      value: Buffer.from(JSON.stringify(event)),
      receivedAt: micros + i * apartMicros,
      headers: [
        [recordHeader.eventId, `event-${i}`],
        [recordHeader.plan, plan.version],
        [recordHeader.route, 'r'],
      ] as [string, string][],
    }))
    await log.append(records)
  }
  await using lander = await openLanding({
    pipeline: game.compiled,
    places,
    lake: {},
    lander: {},
    logger: SILENT,
    onReason: () => {},
    logWaitMs: 0,
  })
  await lander.landToEnd()
}

export async function openGameDoor(): Promise<GameDoor> {
  const data = temporaryFolder()
  try {
    await landGame(data)
    const door = await openQuery({
      places: ownPlaces(data),
      listen: { host: '127.0.0.1', port: 0 },
      insecure: false,
      token: null,
      settings: {},
    })
    return {
      url: door.address,
      host: '127.0.0.1',
      port: Number(new URL(door.address).port),
      async [Symbol.asyncDispose]() {
        await door.close()
        await rm(data, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await rm(data, { recursive: true, force: true })
    throw error
  }
}

/** Values as text, however a client gives them. */
export function texts(rows: readonly (readonly unknown[])[]): string[][] {
  return rows.map((row) => row.map(String))
}
