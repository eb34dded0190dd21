/**
 * `landfall/testing`: answers of a pipeline's questions, to assert in tests.
 *
 *   const rows = await askQuestion(pipeline, 'money_per_player', { data: './data' })
 *   assert.deepEqual(rows[0], { Host: 'user1.comcast.com', money: 41 })
 */
import { LandfallError } from '../base/errors.ts'
import type { Pipeline } from '../model/definition.ts'
import type { Value } from '../sql/sql.ts'
import { nearestName } from '../sql/text.ts'
import { ownPlaces } from './places.ts'
import { openDataEngine } from './query.ts'
import { openRemoteSql } from './readers.ts'

/** A data directory, whatever runs on it; or the address of a SQL door, a Trino or a Presto. */
export type Where = { data: string } | { sql: string }

/** Rows by the names of their columns. Throws `report/unknown-question`, and what the engine says of its SQL. */
export async function askQuestion(
  pipeline: Pipeline,
  name: string,
  where: Where,
): Promise<Record<string, Value>[]> {
  const { questions, views, reference } = pipeline.compiled
  const question = questions.find((each) => each.name === name)
  if (!question) throw unknownQuestion(pipeline.compiled.name, name, questions)
  // What the lander kept has the files' places; before it ran, views alone can be known.
  const named = reference.length === 0 ? { views, reference } : undefined
  await using engine =
    'data' in where
      ? await openDataEngine(ownPlaces(where.data), {}, 0, named)
      : await openRemoteSql(where.sql)
  const { columns, pages } = await engine.query(question.sql)
  const rows: Record<string, Value>[] = []
  for await (const page of pages)
    for (const row of page) rows.push(Object.fromEntries(columns.map((column, i) => [column.name, row[i]!])))
  return rows
}

function unknownQuestion(pipeline: string, name: string, known: readonly { name: string }[]): LandfallError {
  const names = known.map((each) => each.name)
  const near = nearestName(name, names)
  return new LandfallError(
    'fix-request',
    'report/unknown-question',
    `pipeline ${pipeline} has no question ${JSON.stringify(name)}`,
    {
      hint: near === undefined ? `There are: ${names.join(', ')}` : `Did you mean ${near}?`,
    },
  )
}
