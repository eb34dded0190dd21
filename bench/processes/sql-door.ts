/** The query process: the engine over a data directory, and the door before it. Told to ask, it asks its own engine, without the door. */
import { ownPlaces } from '../../src/pipeline/places.ts'
import { openDataEngine } from '../../src/pipeline/query.ts'
import { openSqlServer } from '../../src/sql/wire/trino/server.ts'
import { rowsOf } from '../sql-client.ts'
import { childSettings, serve } from './serve.ts'

export interface SqlDoorSettings {
  data: string
}

export interface SqlDoorAsk {
  do: 'ask'
  sql: string
  times: number
}

export interface SqlDoorAnswer {
  url: string
  pid: number
  /** Milliseconds of each time, and the answer as JSON. */
  ms: number[]
  rows: string
}

const { data } = childSettings<SqlDoorSettings>()
const engine = await openDataEngine(ownPlaces(data), {})
const server = await openSqlServer({ engine, host: '127.0.0.1', port: 0 })
const answer = (ms: number[], rows: string): SqlDoorAnswer => ({
  url: server.url,
  pid: process.pid,
  ms,
  rows,
})

async function ask({ sql, times }: SqlDoorAsk): Promise<SqlDoorAnswer> {
  const ms: number[] = []
  let rows: unknown[][] = []
  for (let i = 0; i < times; i++) {
    const begun = performance.now()
    rows = await rowsOf(engine, sql)
    ms.push(performance.now() - begun)
  }
  return answer(ms, JSON.stringify(rows))
}

await serve<SqlDoorAsk, SqlDoorAnswer>(answer([], ''), ask, async () => {
  await server[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
})
