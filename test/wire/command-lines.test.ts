/** The command lines of Trino and of Presto, in batch and on a terminal. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findJava } from '../../src/stack/java.ts'
import { findArtifact } from '../engines/artifacts.ts'
import { findPython } from '../support/python.ts'
import { ENDLESS, type GameDoor, openGameDoor, QUESTIONS, TABLES } from './support/game-door.ts'
import { type Outcome, runProgram, SMALL } from './support/run-program.ts'

const java = findJava({ min: 17 })
const find = async (name: 'trino-cli' | 'presto-cli') =>
  typeof java === 'string' ? await findArtifact(name) : java
const jars = { trino: await find('trino-cli'), presto: await find('presto-cli') }
const python = await findPython()

let door: GameDoor
/** History and other traces of the programs. */
let home: string

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'landfall-test-'))
  door = await openGameDoor()
}, 60_000)
afterAll(async () => {
  await door?.[Symbol.asyncDispose]()
  rmSync(home, { recursive: true, force: true })
})

function commandOf(name: 'trino' | 'presto'): string[] {
  const server = name === 'trino' ? door.url : `${door.host}:${door.port}`
  const place = ['--server', server, '--user', 'ada', '--catalog', 'hive', '--schema', 'default']
  return [java as string, ...SMALL, `-Duser.home=${home}`, '-jar', jars[name] as string, ...place]
}

function batch(name: 'trino' | 'presto', ...args: string[]): Promise<Outcome> {
  const [command, ...given] = commandOf(name)
  return runProgram(command!, [...given, ...args])
}

const quoted = (rows: string[][]) => rows.map((row) => row.map((value) => `"${value}"`).join(',')).join('\n')

describeBatch('trino')
describeBatch('presto')

function describeBatch(name: 'trino' | 'presto'): void {
  const jar = jars[name]
  const missing = typeof jar === 'string' ? undefined : jar.missing

  test(`${name}: lists, describes and asks a file of questions`, { timeout: 180_000 }, async ({ skip }) => {
    if (missing !== undefined) return skip(missing)
    const file = join(home, `${name}.sql`)
    const statements = ['SHOW CATALOGS', 'SHOW SCHEMAS', 'SHOW TABLES', 'DESCRIBE purchases']
    writeFileSync(file, [...statements, ...QUESTIONS.map(({ sql }) => sql)].join(';\n') + ';\n')
    const { output, errors, code } = await batch(name, '-f', file, '--output-format', 'CSV')
    expect([code, errors.replace(/.*jline[^\n]*\n.*WARNING[^\n]*\n/is, '')]).toEqual([0, ''])
    for (const line of [
      '"hive"',
      '"default"',
      ...TABLES.map((table) => `"${table}"`),
      '"cost","bigint","",""',
    ]) {
      expect(output.split('\n')).toContain(line)
    }
    expect(output).toContain(quoted(QUESTIONS.flatMap(({ answer }) => answer)))
  })

  test(`${name}: an error has its place, and the exit code is 1`, { timeout: 180_000 }, async ({ skip }) => {
    if (missing !== undefined) return skip(missing)
    const { errors, code } = await batch(name, '--execute', 'SELECT\n  bad FROM purchases')
    expect(code).toBe(1)
    expect(errors).toMatch(/Query \d{8}_\d{6}_\d{5}_\w{5} failed: line 2:3: Column 'bad' cannot be resolved/)
    expect(errors).toMatch(/LINE 2: {3}bad FROM purchases\n {10}\^/)
  })

  test(`${name}: session, prepared statements and parameters`, { timeout: 180_000 }, async ({ skip }) => {
    if (missing !== undefined) return skip(missing)
    const statements = [
      "SET SESSION query_max_run_time = '4m'",
      "SHOW SESSION LIKE 'query_max_run_time'",
      'PREPARE costs FROM SELECT count(*) AS n FROM purchases WHERE cost > ?',
      'EXECUTE costs USING 9',
      'DEALLOCATE PREPARE costs',
      'USE hive.default',
      'SELECT count(*) FROM guilds',
    ]
    const { output, code } = await batch(name, '--execute', statements.join(';'), '--output-format', 'TSV')
    expect(code).toBe(0)
    const lines = output.split('\n')
    expect(lines.find((line) => line.startsWith('query_max_run_time'))).toMatch(/^query_max_run_time\t4m\t/)
    expect(lines).toEqual(expect.arrayContaining(['104', '780']))
  })
}

test('trino: every format of output', { timeout: 180_000 }, async ({ skip }) => {
  if (typeof jars.trino !== 'string') return skip(jars.trino.missing)
  const sql = 'SELECT type, count(*) AS n FROM purchases GROUP BY type ORDER BY type LIMIT 2'
  const outputs: Record<string, string> = {}
  for (const format of ['CSV_HEADER_UNQUOTED', 'JSON', 'ALIGNED', 'VERTICAL']) {
    outputs[format] = (await batch('trino', '--execute', sql, '--output-format', format)).output
  }
  expect(outputs['CSV_HEADER_UNQUOTED']).toBe('type,n\nestoc,104\nkatana,52\n')
  expect(outputs['JSON']).toBe('{"type":"estoc","n":104}\n{"type":"katana","n":52}\n')
  expect(outputs['ALIGNED']).toContain(' estoc  | 104 ')
  expect(outputs['VERTICAL']).toMatch(/type \| estoc\nn {4}\| 104/)
})

test('trino on a terminal: USE, a table completed by TAB, an answer, Ctrl-C, an error', {
  timeout: 180_000,
}, async ({ skip }) => {
  if (typeof jars.trino !== 'string') return skip(jars.trino.missing)
  if ('missing' in python) return skip(python.missing)
  const prompt = 'trino:default>'
  const steps = [
    { until: prompt, send: 'use hive.default;\n' },
    { until: 'USE', send: '' },
    // Names of tables are asked for in the background.
    { until: prompt, send: 'select count(*) from sword_p', pause: 5 },
    { until: 'sword_p', send: '\t' },
    { until: 'urchases', send: ';\n' },
    { until: '(1 row)', send: '' },
    { until: prompt, send: `${ENDLESS.replaceAll(/\s+/g, ' ')};\n` },
    { until: 'RUNNING, 1 node', send: '\x03' },
    { until: 'aborted by user', send: '' },
    { until: prompt, send: 'select bad from purchases;\n' },
    { until: "line 1:8: Column 'bad' cannot be resolved", send: 'exit;\n' },
  ]
  const command = commandOf('trino')
  const env = { TERM: 'xterm', TRINO_PAGER: 'cat', TRINO_HISTORY_FILE: join(home, 'history') }
  const request = { command, env, steps, seconds: 150 }
  const { screen, code, missed } = (await python.runJson('terminal.py', [], request)) as {
    screen: string
    code: number | null
    missed: number | null
  }
  expect(missed, screen).toBeNull()
  expect(code).toBe(0)
  expect(screen).toMatch(/_col0\s+-+\s+260/)
  expect(screen).toMatch(/Splits: \d+ total, \d+ done \(100\.00%\)/)
  // The query that was given up is not at work any more.
  const asked = await fetch(`${door.url}/metrics`)
  expect(await asked.text()).toContain('landfall_sql_statements_computing 0')
})
