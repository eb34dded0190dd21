import { Agent, request } from 'node:http'
import game from '../examples/game/pipeline.ts'
import { SILENT } from '../src/lander/logger.ts'
import { openLanding } from '../src/pipeline/landing.ts'
import { ownPlaces } from '../src/pipeline/places.ts'
import type { WireResults } from '../src/sql/trino-protocol.ts'
import { Child } from './child.ts'
import { writeGameLog } from './game-log.ts'
import { type Bench, check, comparePairs, type Figure, median, timed } from './harness.ts'
import { judgeFlatness, residentMiB } from './memory.ts'
import type { SqlDoorAnswer, SqlDoorAsk } from './processes/sql-door.ts'

/** A few rows over a table of a few files. */
const SMALL = game.compiled.questions.find(({ name }) => name === 'purchases_per_player')!.sql
const EVENTS = 10_000
/** Of one sample; its figure is the median. */
const TIMES = 40

/** Every number below a million once, in the order in which the engine comes by them. */
const ROWS = 1_000_000
const LARGE = `SELECT a."offset" * 1000 + b."offset" AS n, a.raw_event FROM events a CROSS JOIN events b
  WHERE a."offset" < 1000 AND b."offset" < 1000`
const SUM = (ROWS * (ROWS - 1)) / 2
const WATCHED_MS = 50

type Door = Child<SqlDoorAsk, SqlDoorAnswer>

/**
 * What the door adds to a question: a small answer over a connection that is kept, from the statement to the last page, beside the same
 * text asked of the same engine within its process. And a million rows, read as fast as they come.
 */
export const benchDoor: Bench = async ({ pairs, directory, say }) => {
  const data = `${directory}/data`
  await writeGameLog(data, EVENTS)
  {
    await using lander = await openLanding({
      pipeline: game.compiled,
      places: ownPlaces(data),
      lake: {},
      lander: {},
      logger: SILENT,
      onReason: () => {},
      logWaitMs: 0,
    })
    await lander.landToEnd()
  }
  await using door: Door = await Child.start('sql-door', { data })
  const client = new KeptConnection()
  try {
    say('door: a small answer through it and without it')
    const small = await smallAnswer(door, client, pairs)
    say('door: a million rows')
    return [small, await largeAnswer(door, client, pairs)]
  } finally {
    client.close()
  }
}

async function smallAnswer(door: Door, client: KeptConnection, pairs: number): Promise<Figure> {
  const { rows: right } = await door.ask({ do: 'ask', sql: SMALL, times: TIMES })
  const within = async () => median((await door.ask({ do: 'ask', sql: SMALL, times: TIMES })).ms)
  const through = async () => {
    const ms: number[] = []
    for (let i = 0; i < TIMES; i++) {
      const { seconds, value } = await timed(() => client.rows(door.ready.url, SMALL))
      check(JSON.stringify(value) === right, 'the door has another answer than the engine')
      ms.push(seconds * 1000)
    }
    return median(ms)
  }
  await through()
  const { ratio, ratios, of, against } = await comparePairs(pairs, through, within)
  return {
    name: 'small answer through the door ÷ the same within the process, p50',
    value: ratio,
    unit: '×',
    goal: { is: 'at most', value: 2 },
    samples: ratios,
    detail: { throughMs: of, withinMs: against },
  }
}

async function largeAnswer(door: Door, client: KeptConnection, pairs: number): Promise<Figure> {
  const { url, pid } = door.ready
  const seconds: number[] = []
  let grown = 0
  let bytes = 0
  // The first one fills what the engine keeps between queries.
  for (let run = -1; run < pairs; run++) {
    const resident: number[] = []
    const watch = setInterval(() => resident.push(residentMiB(pid) ?? 0), WATCHED_MS)
    try {
      const read = await timed(() => readLarge(client, url))
      bytes = read.value
      if (run >= 0) seconds.push(read.seconds)
    } finally {
      clearInterval(watch)
    }
    const { secondQuarterMiB, lastQuarterMiB } = judgeFlatness(resident)
    if (run >= 0) grown = Math.max(grown, lastQuarterMiB - secondQuarterMiB)
  }
  return {
    name: 'a million rows through the door',
    value: median(seconds),
    unit: 's',
    goal: undefined,
    samples: seconds,
    detail: { rowsPerSecond: ROWS / median(seconds), answerMiB: bytes / 2 ** 20, residentGrowthMiB: grown },
  }
}

/** Bytes of the answer, whose rows are counted and added up. */
async function readLarge(client: KeptConnection, url: string): Promise<number> {
  let rows = 0
  let sum = 0
  let bytes = 0
  for await (const { page, text } of client.pages(url, LARGE)) {
    bytes += text
    for (const row of page.data ?? []) {
      rows++
      sum += Number(row[0])
    }
  }
  check(rows === ROWS && sum === SUM, `expected ${ROWS} rows that add up to ${SUM}, found ${rows} and ${sum}`)
  return bytes
}

/** The smallest client: one connection that is kept, and no library between. */
class KeptConnection {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })

  async rows(url: string, sql: string): Promise<unknown[][]> {
    const rows: unknown[][] = []
    for await (const { page } of this.pages(url, sql)) rows.push(...(page.data ?? []))
    return rows
  }

  async *pages(url: string, sql: string): AsyncGenerator<{ page: WireResults; text: number }> {
    let text = await this.#send(`${url}/v1/statement`, sql)
    for (;;) {
      const page = JSON.parse(text) as WireResults
      check(page.error === undefined, `the door answered ${page.error?.message}`)
      yield { page, text: text.length }
      if (page.nextUri === undefined) return
      text = await this.#send(page.nextUri)
    }
  }

  #send(url: string, body?: string): Promise<string> {
    const method = body === undefined ? 'GET' : 'POST'
    const headers = { 'x-trino-user': 'bench', 'x-trino-client-capabilities': 'PARAMETRIC_DATETIME' }
    return new Promise((resolve, reject) => {
      const sent = request(url, { agent: this.#agent, method, headers }, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (part: string) => (text += part))
        response.on('end', () => resolve(text))
        response.on('error', reject)
      })
      sent.on('error', reject)
      sent.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}
