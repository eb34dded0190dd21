/** What is recorded against the real Trino 476, so that a recording cannot drift from the server. */
import { afterAll, describe, expect, test } from 'vitest'
import { findTrino } from '../engines/trino.ts'
import type { TrinoSession } from '../engines/trino-client.ts'
import { ask, differenceOf } from './answers.ts'
import { readRecording } from './recording.ts'
import { readStatements, type Statement } from './statements.ts'
import { openSession, openTables } from './tables.ts'

const tables = await openTables()
const trino = await findTrino(tables.catalogs)
afterAll(() => tables[Symbol.asyncDispose]())

const byFile = Object.entries(Object.groupBy(readStatements(), ({ file }) => file)) as [string, Statement[]][]
describe.each(byFile)('%s', (file, statements) => {
  const recording = readRecording(file)
  let session: TrinoSession | undefined
  test.for(statements)('$name', async (statement, { skip }) => {
    if ('missing' in trino) return skip(trino.missing)
    session ??= openSession(trino.url)
    const answer = await ask(session, statement.sql)
    expect(differenceOf(statement, answer, recording[statement.hash]!), statement.sql).toBeUndefined()
  })
})
