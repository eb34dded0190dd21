/** Our SQL door against what the real Trino answered over the same Iceberg tables. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TrinoSession } from '../engines/trino-client.ts'
import { ask, differenceOf } from './answers.ts'
import { isOfKind } from './kinds.ts'
import { documentedReasons, readKnownDifferences } from './known-differences.ts'
import { readRecording } from './recording.ts'
import { readStatements, type Statement } from './statements.ts'
import { openSession, openTables, type Tables } from './tables.ts'

const STATEMENTS_MIN = 350
const ERRORS_MIN = 40

const statements = readStatements()
const known = readKnownDifferences()
const reasonOf = new Map(
  Object.entries(known).flatMap(([reason, names]) => names.map((name) => [name, reason])),
)
let tables: Tables

beforeAll(async () => {
  tables = await openTables()
})
afterAll(async () => {
  await tables?.[Symbol.asyncDispose]()
})

test('there are enough statements, each with a name of its own', () => {
  expect(statements.length).toBeGreaterThanOrEqual(STATEMENTS_MIN)
  expect(statements.map(({ name }) => name).filter((name, at, all) => all.indexOf(name) !== at)).toEqual([])
  const errors = statements.filter(({ file, hash }) => readRecording(file)[hash]?.error)
  expect(errors.length).toBeGreaterThanOrEqual(ERRORS_MIN)
})

test('a known difference is one of a statement, and its reason stands in the reference', () => {
  const names = new Set(statements.map(({ name }) => name))
  expect([...reasonOf.keys()].filter((name) => !names.has(name))).toEqual([])
  const page = readFileSync('docs/reference/sql.md', 'utf8')
  expect(documentedReasons(page).sort()).toEqual(Object.keys(known).sort())
})

const byFile = Object.entries(Object.groupBy(statements, ({ file }) => file)) as [string, Statement[]][]
describe.each(byFile)('%s', (file, own) => {
  const recording = readRecording(file)
  let session: TrinoSession
  beforeAll(() => {
    session = openSession(tables.url)
  })

  test('every statement is recorded, and nothing else', () => {
    expect(Object.keys(recording).sort()).toEqual(own.map(({ hash }) => hash).sort())
  })

  test.each(own)('$name', async (statement) => {
    const reason = reasonOf.get(statement.name)
    const [ours, theirs] = [await ask(session, statement.sql), recording[statement.hash]!]
    const difference = differenceOf(statement, ours, theirs)
    if (reason === undefined) return expect(difference, statement.sql).toBeUndefined()
    expect(difference, `known as "${reason}", but it agrees: ${statement.sql}`).toBeDefined()
    const isSo = isOfKind(reason, statement, ours, theirs)
    expect(
      isSo,
      `known as "${reason}", but it is another difference: ${difference}: ${statement.sql}`,
    ).not.toBe(false)
  })
})
