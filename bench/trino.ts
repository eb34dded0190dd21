import { mkdir } from 'node:fs/promises'
import game from '../examples/game/pipeline.ts'
import { ownPlaces } from '../src/pipeline/places.ts'
import { openQuery } from '../src/pipeline/query.ts'
import { findTrino } from '../test/engines/trino.ts'
import { TrinoSession } from '../test/engines/trino-client.ts'
import { writeGameLog } from './game-log.ts'
import { type Bench, check, comparePairs, median, timed } from './harness.ts'
import { landAndSettle } from './settled.ts'

/** Of one question on one side the least of so many times counts: both are asked warm. */
const TRIES = 5

/**
 * The game's questions at our door and at a real Trino that reads the same Iceberg tables through our catalog, both warm, by the same
 * small client. Both have the same rows to tell; they are compared.
 */
export const benchTrino: Bench = async ({ pairs, events, directory, say }) => {
  const data = `${directory}/data`
  await mkdir(`${data}/lake`, { recursive: true })
  say(`trino: landing ${events} events`)
  await writeGameLog(data, events)
  await landAndSettle(data)
  const listen = { host: '127.0.0.1', port: 0 }
  const door = await openQuery({
    places: ownPlaces(data),
    listen,
    insecure: false,
    token: null,
    settings: {},
  })
  try {
    say('trino: starting a real Trino')
    const trino = await findTrino({
      bench: {
        connector: 'iceberg',
        'iceberg.catalog.type': 'rest',
        'iceberg.rest-catalog.uri': `${door.address}/iceberg`,
        'fs.hadoop.enabled': 'true',
      },
    })
    if ('missing' in trino) {
      say(`trino: left out: ${trino.missing}`)
      return []
    }
    const ours = new TrinoSession(door.address, { catalog: 'hive', schema: 'default' })
    const theirs = trino.session({ catalog: 'bench', schema: 'default' })
    say('trino: the questions of the game at both')
    const spent = new Map<string, number[]>()
    // Classes are loaded and code is compiled on both sides before anything counts.
    for (let i = 0; i < 3; i++) for (const session of [ours, theirs]) await askAll(session, ours)
    const times = await comparePairs(
      pairs,
      () => askAll(ours, ours, spent, 'ours'),
      () => askAll(theirs, ours, spent, 'trino'),
    )
    const each = Array.from(spent, ([name, all]) => [`${name}Ms`, median(all)] as const)
    return [
      {
        name: 'questions of the game at our door ÷ at a real Trino, both warm',
        value: times.ratio,
        unit: '×',
        goal: undefined,
        samples: times.ratios,
        detail: { events, oursMs: times.of, trinoMs: times.against, ...Object.fromEntries(each) },
      },
    ]
  } finally {
    await door.close()
  }
}

/** Milliseconds of all questions together; each answer must be ours. */
async function askAll(
  session: TrinoSession,
  ours: TrinoSession,
  spent?: Map<string, number[]>,
  side?: string,
): Promise<number> {
  let total = 0
  for (const { name, sql } of game.compiled.questions) {
    const right = asText(await ours.query(sql))
    let least = Number.POSITIVE_INFINITY
    for (let tries = 0; tries < TRIES; tries++) {
      const { seconds, value } = await timed(() => session.query(sql))
      check(asText(value) === right, `${name}: ${asText(value)} instead of ${right}`)
      least = Math.min(least, seconds * 1000)
    }
    total += least
    if (spent === undefined) continue
    const key = `${side}_${name}`
    spent.set(key, [...(spent.get(key) ?? []), least])
  }
  return total
}

/** Order is not compared where the question leaves it open. */
function asText({ rows, error }: Awaited<ReturnType<TrinoSession['query']>>): string {
  check(error === undefined, `a question failed: ${error?.message}`)
  return rows
    .map((row) => JSON.stringify(row))
    .sort()
    .join('\n')
}
