import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCompletion } from '../../../src/cli/sql/completion.ts'
import { openHistory } from '../../../src/cli/sql/history.ts'
import { type RunSqlOptions, runSql } from '../../../src/cli/sql/run-sql.ts'
import { openDuckdbEngine } from '../../../src/sql/drivers/duckdb/duckdb-engine.ts'
import type { SqlEngine } from '../../../src/sql/sql.ts'
import { Landing } from '../../sql/support/landing.ts'
import { numbers } from '../../sql/support/numbers.ts'

let landing: Landing
let engine: SqlEngine
let home: string

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'landfall-home-'))
  landing = await Landing.open()
  await landing.append(20)
  await landing.chunk(20)
  const parts = { lake: landing.lake, log: landing.log, spoolDirectory: landing.spoolDirectory }
  engine = await openDuckdbEngine({ ...parts, settings: { spoolWaitMs: 100 } })
})

afterAll(async () => {
  await engine?.[Symbol.asyncDispose]()
  await landing?.close()
  rmSync(home, { recursive: true, force: true })
})

/** Collects what is written; `wait` resolves when the text has come. */
class Terminal extends PassThrough {
  text = ''
  columns = 80

  constructor() {
    super()
    this.on('data', (part: Buffer) => {
      this.text += part.toString()
    })
  }

  async wait(pattern: RegExp): Promise<void> {
    const until = performance.now() + 10_000
    while (!pattern.test(this.text)) {
      if (performance.now() > until)
        throw new Error(`waited for ${pattern}, saw ${JSON.stringify(this.text)}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}

async function run(options: Partial<RunSqlOptions>) {
  const output = new Terminal()
  const errorOutput = new Terminal()
  const streams = { input: Readable.from([]), output, errorOutput, isTTY: false }
  const code = await runSql({ engine, ...streams, ...options })
  return { code, output: output.text, errors: errorOutput.text }
}

test('a statement is printed as an aligned table, with the count below', async () => {
  const { code, output, errors } = await run({
    statement: 'SELECT "Host", count(*) AS n, max(timestamp) AS last FROM purchases GROUP BY 1 ORDER BY 1',
  })
  expect(output).toBe(
    [
      '       Host        | n |              last',
      '-------------------+---+--------------------------------',
      ' user1.comcast.com | 4 | 2021-07-30 18:43:21.611000 UTC',
      ' user2.comcast.com | 3 | 2021-07-30 18:43:19.611000 UTC',
      ' user3.comcast.com | 3 | 2021-07-30 18:43:17.611000 UTC',
      '(3 rows)',
      '',
      '',
    ].join('\n'),
  )
  expect(errors).toMatch(/^\d+\.\d\d s, holds every event before offset 20\n$/)
  expect(code).toBe(0)
})

test('wide characters, several lines, nothing that moves a cursor', async () => {
  const statement =
    "SELECT '日本' AS a, 'one' || chr(10) || 'two' AS b, chr(27) || '[31mred' AS c, NULL AS d, array[1, NULL] AS e"
  expect((await run({ statement })).output).toBe(
    [
      '  a   |  b   |       c       |  d   |     e',
      '------+------+---------------+------+-----------',
      ' 日本 | one+ | \\u001b[31mred | NULL | [1, null]',
      '      | two  |               |      |',
      '(1 row)',
      '',
      '',
    ].join('\n'),
  )
})

test('--json prints one array and nothing else', async () => {
  const statement = `SELECT 1 AS a, 2 AS a, 9223372036854775807 AS big, NULL AS n, cast(row(array[1.5]) AS row(x array(decimal(2, 1)))) AS r, CAST('NaN' AS double) AS d`
  const { code, output, errors } = await run({ statement, json: true })
  expect(output).toBe('[{"a":1,"a_2":2,"big":9223372036854775807,"n":null,"r":{"x":["1.5"]},"d":"NaN"}]\n')
  expect([code, errors]).toEqual([0, ''])
  expect((await run({ statement: 'SELECT 1 WHERE false', json: true })).output).toBe('[]\n')
  const many = await run({ statement: `SELECT n FROM ${numbers(30000)}`, json: true })
  expect(JSON.parse(many.output)).toHaveLength(30000)
})

test('several statements, a file, a pipe; nothing runs after one that failed', async () => {
  const sql = "SELECT 1 AS one; -- ;\nSELECT bad FROM purchases;\nSELECT 'never' AS x"
  const file = join(home, 'report.sql')
  writeFileSync(file, sql)
  for (const options of [{ statement: sql }, { file }, { input: Readable.from([sql]) }]) {
    const { code, output, errors } = await run(options)
    expect(output).toContain('one')
    expect(output).not.toContain('never')
    expect(errors).toMatch(
      /landfall: sql\/unknown-column: line 1:8: Column 'bad' cannot be resolved\. [^\n]*\n$/,
    )
    expect(code).toBe(1)
  }
  expect(await run({ file: join(home, 'no.sql') })).toMatchObject({ code: 1, output: '' })
  expect((await run({ statement: ' ; ' })).errors).toContain('there is no statement')
  expect(await run({ statement: 'SELECT 1; SELECT 2', json: true })).toMatchObject({ code: 1, output: '' })
})

test('a person sees the place of an error', async () => {
  const { errors } = await run({ statement: 'SELECT 1,\n  bad FROM purchases', isTTY: true })
  expect(errors.split('\n').slice(1, 3)).toEqual(['  bad FROM purchases', '  ^'])
})

test('an answer that is behind says so on stderr', async () => {
  await landing.append(5)
  const { errors, output } = await run({ statement: 'SELECT count(*) AS n FROM events', json: true })
  expect(output).toBe('[{"n":20}]\n')
  expect(errors).toBe(
    'warning: the log ends at offset 25, this answer reaches to offset 20: the lander is behind or not running\n',
  )
  await landing.chunk(25)
})

test('a reader that has enough ends the command quietly', async () => {
  const output = new Terminal()
  const errorOutput = new Terminal()
  output.once('data', () => output.destroy())
  const statement = `SELECT lpad('', 100, 'x') FROM ${numbers(200000)}`
  const code = await runSql({
    engine,
    statement,
    input: Readable.from([]),
    output,
    errorOutput,
    isTTY: false,
  })
  expect([code, errorOutput.text]).toEqual([0, ''])
})

function converse() {
  const input = new PassThrough()
  const output = new Terminal()
  const path = join(home, 'state', 'history')
  const options = { engine, input, output, errorOutput: output, isTTY: true, history: openHistory(path) }
  return { input, output, path, ended: runSql(options) }
}

test('a conversation: several lines, errors, help, history, exit', async () => {
  const { input, output, path, ended } = converse()
  await output.wait(/landfall> /)
  input.write('SELECT count(*) AS n\n')
  await output.wait(/ {7}-> /)
  input.write('FROM purchases; SELECT 2 AS two;\n')
  await output.wait(/ two\r?\n-----\r?\n {3}2\r?\n\(1 row\)/)
  expect(output.text).toMatch(/ n\r?\n----\r?\n 1\d\r?\n\(1 row\)/)
  input.write('SELECT bad FROM guilds;\n')
  await output.wait(/SELECT bad FROM guilds\n {7}\^/)
  input.write('help\n')
  await output.wait(/Ctrl-C ends the running query/)
  input.write('quit\n')
  expect(await ended).toBe(0)
  expect(readFileSync(path, 'utf8').split('\n')).toEqual([
    'SELECT count(*) AS n FROM purchases;',
    'SELECT 2 AS two;',
    'SELECT bad FROM guilds;',
    '',
  ])
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(openHistory(path).lines[0]).toBe('SELECT bad FROM guilds;')
})

test('Ctrl-C ends the query that runs, or the line that was begun; Ctrl-D leaves', async () => {
  const { input, output, ended } = converse()
  await output.wait(/landfall> /)
  input.write(
    `SELECT count(*) FROM ${numbers(10000000, 'a', 'x')}, ${numbers(10000000, 'b', 'y')} WHERE (x * y) % 7 = 3;\n`,
  )
  await new Promise((resolve) => setTimeout(resolve, 300))
  input.write('\x03')
  await output.wait(/sql\/cancelled: the query was cancelled/)
  input.write('SELECT 1 AS half\n')
  await output.wait(/ {7}-> /)
  input.write('never\x03')
  await output.wait(/\^C/)
  input.write('SELECT 7 AS seven;\n')
  await output.wait(/seven\r?\n-------\r?\n {5}7/)
  input.write('\x04')
  expect(await ended).toBe(0)
})

test('Tab completes keywords, tables and columns', async () => {
  const completion = createCompletion(engine)
  await completion.loaded
  expect(completion.complete('select * from pur')).toEqual([['purchases'], 'pur'])
  expect(completion.complete('SEL')).toEqual([['SELECT'], 'SEL'])
  expect(completion.complete('select "User')).toEqual([['"User-Agent"'], '"User'])
  expect(completion.complete('select ')).toEqual([[], ''])
})
