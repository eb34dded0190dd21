/**
 * `landfall/testing`: answers of a pipeline's questions, to assert in tests.
 *
 *   const sword = { event_type: 'purchase_sword', type: 'sabre', cost: 6, Host: 'user1.comcast.com' } as const
 *   const rows = await askQuestion(pipeline, 'money_per_player', { events: [sword, sword] })
 *   assert.deepEqual(rows, [{ Host: 'user1.comcast.com', money: 12 }])
 */
import { LandfallError } from '../base/errors.ts'
import type { EventOf, EventSchemas, Pipeline } from '../model/definition.ts'
import type { SqlEngine, Value } from '../sql/sql.ts'
import { nearestName } from '../sql/text.ts'
import { withLandedEvents } from './landed-events.ts'
import { ownPlaces } from './places.ts'
import { openDataEngine } from './query.ts'
import { openRemoteSql } from './readers.ts'

/**
 * Events of the test's own, which are landed as the pipeline lands them, with their headers as members; a data directory, whatever runs on it; or
 * the address of a SQL door, a Trino or a Presto. `pipelineFile`: beside which the files of `reference` are.
 */
export type Where<E extends EventSchemas> =
  | { events: readonly (EventOf<E> & Record<string, unknown>)[]; pipelineFile?: string }
  | { data: string }
  | { sql: string }

/** Rows by the names of their columns. Throws `report/unknown-question`, and what the engine says of its SQL. */
export async function askQuestion<E extends EventSchemas>(
  pipeline: Pipeline<E>,
  name: string,
  where: Where<E>,
): Promise<Record<string, Value>[]> {
  const { questions, views, reference } = pipeline.compiled
  const question = questions.find((each) => each.name === name)
  if (!question) throw unknownQuestion(pipeline.compiled.name, name, questions)
  const ask = (engine: SqlEngine) => rowsOf(engine, question.sql)
  if ('events' in where) return withLandedEvents(pipeline.compiled, where.pipelineFile, where.events, ask)
  // What the lander kept has the files' places; before it ran, views alone can be known.
  const named = reference.length === 0 ? { views, reference } : undefined
  await using engine =
    'data' in where
      ? await openDataEngine(ownPlaces(where.data), {}, 0, named)
      : await openRemoteSql(where.sql)
  return await ask(engine)
}

async function rowsOf(engine: SqlEngine, sql: string): Promise<Record<string, Value>[]> {
  const { columns, pages } = await engine.query(sql)
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
