/**
 * `node test/differential/record.ts`: asks the real Trino 476 all statements and writes `recorded/`.
 * `node test/differential/record.ts FILE…`: only of these files of `statements/`.
 * `node test/differential/record.ts --known`: asks our door and brings `known-differences.json` up to date; prints what differs.
 */
import { findTrino } from '../engines/trino.ts'
import { type Answer, ask, differenceOf } from './answers.ts'
import { kindOf } from './kinds.ts'
import { writeKnownDifferences } from './known-differences.ts'
import { type Recording, readRecording, writeRecording } from './recording.ts'
import { readStatements, type Statement } from './statements.ts'
import { openSession, openTables } from './tables.ts'

const files = process.argv.slice(2).filter((argument) => argument !== '--known')
const wanted = readStatements().filter(({ file }) => files.length === 0 || files.includes(file))
const byFile = Object.entries(Object.groupBy(wanted, ({ file }) => file)) as [string, Statement[]][]
await using tables = await openTables()
if (process.argv.includes('--known')) await compare()
else await record()

async function record(): Promise<void> {
  const trino = await findTrino(tables.catalogs)
  if ('missing' in trino) throw new Error(trino.missing)
  for (const [file, statements] of byFile) {
    const recording: Recording = {}
    for (const { name, hash, answer } of await answersOf(trino.url, statements)) {
      recording[hash] = { name, ...answer }
      if (answer.error) process.stderr.write(`${name}: ${JSON.stringify(answer.error)}\n`)
    }
    writeRecording(file, recording)
  }
}

async function compare(): Promise<void> {
  const differing = new Map<string, string | undefined>()
  for (const [file, statements] of byFile) {
    const recording = readRecording(file)
    for (const { answer, ...statement } of await answersOf(tables.url, statements)) {
      const difference = differenceOf(statement, answer, recording[statement.hash]!)
      if (difference === undefined) continue
      const kind = kindOf(statement, answer, recording[statement.hash]!)
      differing.set(statement.name, kind)
      process.stdout.write(
        `${kind ?? '?'}: ${statement.name}: ${difference}\n    ${statement.sql.replaceAll('\n', ' ')}\n`,
      )
    }
  }
  if (files.length === 0) writeKnownDifferences(differing)
}

async function answersOf(url: string, statements: Statement[]): Promise<(Statement & { answer: Answer })[]> {
  const session = openSession(url)
  const answers = []
  for (const statement of statements)
    answers.push({ ...statement, answer: await ask(session, statement.sql) })
  return answers
}
