/** The npm package trino-client, as an application in Node uses it. */
import { BasicAuth, Trino } from 'trino-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type GameDoor,
  LARGE,
  LARGE_ROWS,
  openGameDoor,
  QUESTIONS,
  TABLES,
  texts,
} from './support/game-door.ts'

let door: GameDoor
let trino: Trino

beforeAll(async () => {
  door = await openGameDoor()
  trino = Trino.create({ server: door.url, catalog: 'hive', schema: 'default', auth: new BasicAuth('ada') })
}, 60_000)
afterAll(() => door?.[Symbol.asyncDispose]())

async function rowsOf(sql: string): Promise<unknown[][]> {
  const rows: unknown[][] = []
  for await (const { data, error } of await trino.query(sql)) {
    if (error) throw new Error(`${error.errorName}: ${error.message}`)
    rows.push(...(data ?? []))
  }
  return rows
}

test('lists and describes', async () => {
  expect(await rowsOf('SHOW CATALOGS')).toContainEqual(['hive'])
  expect(await rowsOf('SHOW SCHEMAS')).toContainEqual(['default'])
  expect((await rowsOf('SHOW TABLES')).flat()).toEqual(expect.arrayContaining(TABLES))
  expect((await rowsOf('DESCRIBE purchases')).map(([name, type]) => [name, type])).toContainEqual([
    'cost',
    'bigint',
  ])
})

test.each(QUESTIONS)('asks $name', async ({ sql, answer }) => {
  expect(texts(await rowsOf(sql))).toEqual(answer)
})

test('times come as milliseconds to a client that knows no precision', async () => {
  const [page] = [await (await trino.query('SELECT max("timestamp") AS t FROM purchases')).next()]
  expect(page.value.columns).toMatchObject([{ name: 't', type: 'timestamp with time zone' }])
  expect(String(page.value.data![0]![0])).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC$/)
})

test('an error has its name and place', async () => {
  let error: { errorName?: string; errorLocation?: object } | undefined
  for await (const page of await trino.query('SELECT\n  bad FROM purchases')) error ??= page.error
  expect(error).toMatchObject({
    errorName: 'COLUMN_NOT_FOUND',
    errorLocation: { lineNumber: 2, columnNumber: 3 },
  })
})

test('a large answer comes whole, page by page', { timeout: 60_000 }, async () => {
  let rows = 0
  let pages = 0
  for await (const { data } of await trino.query(LARGE)) {
    rows += data?.length ?? 0
    pages++
  }
  expect(rows).toBe(LARGE_ROWS)
  expect(pages).toBeGreaterThan(10)
})

test('a query can be looked at and cancelled by its id', async () => {
  const answer = await trino.query(LARGE)
  const { id } = (await answer.next()).value
  expect(await trino.queryInfo(id)).toMatchObject({ queryId: id, state: 'RUNNING', query: LARGE })
  await trino.cancel(id)
  const last = await answer.next()
  expect(last.value.error).toMatchObject({ errorName: 'USER_CANCELED' })
})

test('USE, SET SESSION and PREPARE hold for what follows', async () => {
  const bare = Trino.create({ server: door.url, auth: new BasicAuth('ada') })
  const run = async (sql: string) => {
    const rows: unknown[][] = []
    for await (const { data, error } of await bare.query(sql)) {
      if (error) throw new Error(`${error.errorName}: ${error.message}`)
      rows.push(...(data ?? []))
    }
    return rows
  }
  await run('USE hive.default')
  await run("SET SESSION query_max_run_time = '2m'")
  expect(await run("SHOW SESSION LIKE 'query_max_run_time'")).toMatchObject([
    ['query_max_run_time', '2m', '', 'varchar', expect.any(String)],
  ])
  await run('PREPARE costs FROM SELECT count(*) FROM purchases WHERE cost > ?')
  expect(await run('EXECUTE costs USING 9')).toEqual([[104]])
})
