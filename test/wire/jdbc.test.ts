/** Trino's JDBC driver, on which DBeaver, Metabase and Java applications stand. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findJava } from '../../src/stack/java.ts'
import { findArtifact } from '../engines/artifacts.ts'
import { ENDLESS, type GameDoor, LARGE, LARGE_ROWS, openGameDoor, QUESTIONS } from './support/game-door.ts'
import { runProgram, SMALL } from './support/run-program.ts'

const SOURCE = join(import.meta.dirname, '../java/JdbcClient.java')
const java = findJava({ min: 17 })
const driver = typeof java === 'string' ? await findArtifact('trino-jdbc') : java
const missing = typeof driver === 'string' ? undefined : driver.missing

let door: GameDoor
let answers: Map<string, string[]>

beforeAll(async () => {
  if (missing !== undefined) return
  door = await openGameDoor()
  const statements = [ENDLESS, LARGE, ...QUESTIONS.map(({ sql }) => sql)].join('\0')
  const { output, code } = await runProgram(
    java as string,
    [...SMALL, '-cp', driver as string, SOURCE, String(door.port), 'metadata'],
    {
      input: statements,
    },
  )
  if (code !== 0) throw new Error(output)
  answers = new Map()
  for (const line of output.split('\n')) {
    const [key, value = ''] = line.split('\t', 2) as [string, string?]
    answers.set(key, [...(answers.get(key) ?? []), value])
  }
}, 240_000)
afterAll(() => door?.[Symbol.asyncDispose]())

const check = (name: string, body: () => void) =>
  test(name, ({ skip }) => {
    if (missing !== undefined) return skip(missing)
    body()
  })

check('knows the server, lists and describes', () => {
  expect(answers.get('product')).toEqual([expect.stringMatching(/^Trino /)])
  expect(answers.get('valid')).toEqual(['true'])
  expect(answers.get('catalogs')![0]!.split(';')).toContain('hive')
  expect(answers.get('schemas')![0]!.split(';')).toContain('default')
  expect(answers.get('tables')![0]!.split(';')).toEqual(expect.arrayContaining(['guilds', 'purchases']))
  expect(answers.get('described')![0]!.split(';')).toContain('cost|bigint||')
})

check('asks the questions of the game', () => {
  const texts = QUESTIONS.map(({ answer }) => answer.map((row) => row.join('|')).join(';'))
  expect(answers.get('question')).toEqual(texts)
})

check('prepared statements, with PREPARE and with EXECUTE IMMEDIATE', () => {
  expect(answers.get('prepared')).toEqual(['104'])
  expect(answers.get('immediate')).toEqual(['104'])
  expect(answers.get('prepared columns')).toEqual(['type bigint'])
  expect(answers.get('prepared parameters')).toEqual(['2'])
  expect(answers.get('prepared limit')).toEqual(['sabre|6;sabre|6'])
  expect(answers.get('prepared again')![0]!.split(';')[0]).toBe('mirror_shield|42')
})

check('values and their types', () => {
  expect(answers.get('types')).toEqual([
    'decimal(5,2)|bigint|date|varchar|double|boolean|timestamp(6) with time zone',
  ])
  expect(answers.get('values')![0]).toMatch(
    /^1\.10\|9007199254740993\|2026-01-02\|null\|NaN\|true\|\d{4}-\d\d-\d\dT[\d:.]+Z$/,
  )
  expect(answers.get('max rows')![0]!.split(';')).toHaveLength(2)
  expect(answers.get('large')).toEqual([String(LARGE_ROWS)])
})

check('errors have number, text and cause', () => {
  expect(answers.get('error')).toEqual([
    expect.stringMatching(/^47\|.*line 2:3: .*\|FailureException$/),
    expect.stringMatching(/^46\|.*line 1:15: .*\|FailureException$/),
    expect.stringMatching(/^13\|.*this door only reads.*\|FailureException$/),
  ])
})

check('session, transactions, cancel', () => {
  expect(answers.get('session')).toEqual(['3m'])
  expect(answers.get('schema')).toEqual(['hive.default'])
  expect(answers.get('transaction')).toEqual(['364', '780'])
  expect(answers.get('cancelled')).toEqual(['true'])
})

check('DatabaseMetaData, as DBeaver and every BI tool ask for it', () => {
  const rows = (key: string) => answers.get(`metadata ${key}`)![0]!.split(';')
  expect(rows('catalogs')).toEqual(['hive', 'system'])
  expect(rows('schemas')).toEqual(['default|hive', 'information_schema|hive'])
  expect(rows('tables')).toEqual(['hive|default|purchases|TABLE|null|null|null|null|null|null'])
  expect(rows('columns')).toHaveLength(8)
  expect(rows('columns').at(-1)).toMatch(/^hive\|default\|purchases\|cost\|-5\|bigint\|19\|/)
  expect(rows('keys')).toEqual([''])
  expect(rows('types').map((row) => row.split('|')[0])).toEqual(
    expect.arrayContaining(['bigint', 'varchar', 'row']),
  )
  expect(rows('table types')).toEqual(['TABLE', 'VIEW'])
})
