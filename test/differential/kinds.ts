/**
 * Kinds of differences that can be told by their look. A statement listed under one of these reasons must differ in this way only; what else may
 * differ stands under a reason of its own, statement by statement.
 */
import { type Answer, differenceOf } from './answers.ts'
import type { Statement } from './statements.ts'

type Pair = [ours: Answer, theirs: Answer]

/** Reason → the answers without what may differ; undefined when it is not that kind. */
const KINDS: Record<string, (ours: Answer, theirs: Answer, statement: Statement) => Pair | undefined> = {
  'not supported': (ours, theirs) => {
    const refused = ['FUNCTION_NOT_FOUND', 'NOT_SUPPORTED'].includes(ours.error?.name ?? '')
    return refused && ours.error?.line !== undefined ? [theirs, theirs] : undefined
  },
  'place of run-time errors': (ours, theirs) => {
    const onlyOurs = ours.error?.line !== undefined && theirs.error?.line === undefined
    return onlyOurs ? [withoutPlace(ours), withoutPlace(theirs)] : undefined
  },
  'place of errors': (ours, theirs) => [withoutPlace(ours), withoutPlace(theirs)],
  'length of text': (ours, theirs) => [withTypes(ours, withoutLength), withTypes(theirs, withoutLength)],
  'spelling of names': (ours, theirs, { file }) => {
    const change = file === 'metadata' ? (answer: Answer) => withNames(withListed(answer)) : withNames
    return [change(ours), change(theirs)]
  },
}

/** True for a reason that is told by its look. */
export const isKind = (reason: string): boolean => reason in KINDS

/** The reason that explains the difference alone; undefined when none does. */
export function kindOf(statement: Statement, ours: Answer, theirs: Answer): string | undefined {
  return Object.keys(KINDS).find((reason) => isOfKind(reason, statement, ours, theirs) === true)
}

/** Whether a difference is of the kind of this reason; undefined when its kind cannot be told by its look. */
export function isOfKind(
  reason: string,
  statement: Statement,
  ours: Answer,
  theirs: Answer,
): boolean | undefined {
  const pair = KINDS[reason]
  if (pair === undefined) return undefined
  const left = pair(ours, theirs, statement)
  return left !== undefined && differenceOf(statement, ...left) === undefined
}

function withoutPlace(answer: Answer): Answer {
  if (!answer.error) return answer
  const { name, type } = answer.error
  return { ...answer, error: { name, type } }
}

const withTypes = (answer: Answer, change: (type: string) => string): Answer => ({
  ...answer,
  columns: answer.columns.map(([name, type]) => [name, change(type)]),
})
const withoutLength = (type: string) => type.replaceAll(/varchar\(\d+\)/g, 'varchar')

/** Names are values where a statement lists them. */
const withListed = ({ rows, ...answer }: Answer): Answer => ({
  ...answer,
  ...(rows ? { rows: rows.map((row) => row.toLowerCase()) } : {}),
})
const withNames = (answer: Answer): Answer => ({
  ...answer,
  columns: answer.columns.map(([name, type]) => [name.toLowerCase(), type]),
})
