/** Whether the questions of a pipeline have the same answers over two lakes. */
import { formatError } from '../../base/errors.ts'
import type { Lake } from '../../lake/lake.ts'
import type { Question } from '../../model/pipeline.ts'
import { openDuckdbEngine } from '../../sql/drivers/duckdb/duckdb-engine.ts'
import { stringifyExact } from '../../sql/json.ts'
import type { SqlEngine } from '../../sql/sql.ts'
import type { Named } from '../named.ts'

export interface QuestionComparison {
  question: string
  /** Rows of the answer on either side; null: there is none, and `differences` says why. */
  now: number | null
  next: number | null
  equal: boolean
  differences: string[]
}

const TOLD_MAX = 3

/** Rows are compared in any order: a question whose ORDER BY leaves ties may print them either way. */
export async function compareQuestions(
  questions: readonly Question[],
  named: Named,
  lakes: { now: Lake; next: Lake },
): Promise<QuestionComparison[]> {
  await using now = await openDuckdbEngine({ lake: lakes.now, named })
  await using next = await openDuckdbEngine({ lake: lakes.next, named })
  const compared: QuestionComparison[] = []
  for (const { name, sql } of questions)
    compared.push(compare(name, await ask(now, sql), await ask(next, sql)))
  return compared
}

type Answer = { rows: string[] } | { failed: string }

async function ask(engine: SqlEngine, sql: string): Promise<Answer> {
  try {
    const rows: string[] = []
    const { pages } = await engine.query(sql)
    for await (const page of pages) for (const row of page) rows.push(stringifyExact(row))
    return { rows: rows.sort() }
  } catch (error) {
    return { failed: formatError(error) }
  }
}

function compare(question: string, now: Answer, next: Answer): QuestionComparison {
  const count = (answer: Answer) => ('rows' in answer ? answer.rows.length : null)
  const differences = differencesOf(now, next)
  return { question, now: count(now), next: count(next), equal: differences.length === 0, differences }
}

function differencesOf(now: Answer, next: Answer): string[] {
  if ('rows' in now && 'rows' in next) {
    const only = (a: string[], b: string[], whose: string) =>
      without(a, b).map((row) => `only with the ${whose} lander: ${row}`)
    return [...only(now.rows, next.rows, 'present'), ...only(next.rows, now.rows, 'next')]
  }
  const failure = (answer: Answer, whose: string) =>
    'failed' in answer ? [`with the ${whose} lander: ${answer.failed}`] : []
  // A question that fails the same way on both sides is the question's own mistake.
  if ('failed' in now && 'failed' in next && now.failed === next.failed) return []
  return [...failure(now, 'present'), ...failure(next, 'next')]
}

/** Some of the rows of `a` that `b` does not have as often. */
function without(a: readonly string[], b: readonly string[]): string[] {
  const left = new Map<string, number>()
  for (const row of b) left.set(row, (left.get(row) ?? 0) + 1)
  const only: string[] = []
  for (const row of a) {
    const count = left.get(row) ?? 0
    if (count > 0) left.set(row, count - 1)
    else if (only.length < TOLD_MAX) only.push(row)
  }
  return only
}
