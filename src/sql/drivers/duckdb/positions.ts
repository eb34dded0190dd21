/** Comparing positions of one log, partition by partition. */
import type { SpoolChunk } from '../../../lander/spool.ts'
import { nextOffset, type Position } from '../../../model/position.ts'

/** Whether everything before `inner` lies before `outer` too. */
export function reaches(outer: Position | undefined, inner: Position | undefined): boolean {
  if (inner === undefined) return true
  if (outer === undefined) return Object.values(inner.next).every((next) => next === 0)
  if (outer.logId !== inner.logId) return false
  return Object.keys(inner.next).every(
    (partition) => nextOffset(outer, Number(partition)) >= nextOffset(inner, Number(partition)),
  )
}

/** Whether two positions mean the same place; a partition that is absent stands at 0. */
export function samePlace(a: Position | undefined, b: Position | undefined): boolean {
  return reaches(a, b) && reaches(b, a)
}

/** Where a chunk lies to a position: wholly before it, beginning exactly there, or neither. */
export function relationOf(chunk: SpoolChunk, position: Position): 'before' | 'next' | 'apart' {
  const ranges = Object.entries(chunk.ranges).map(([partition, range]) => ({
    ...range,
    at: nextOffset(position, Number(partition)),
  }))
  if (ranges.every(({ to, at }) => to <= at)) return 'before'
  return ranges.every(({ from, at }) => from === at) ? 'next' : 'apart'
}

/** The position behind a chunk. */
export function behind(chunk: SpoolChunk, position: Position): Position {
  const next = { ...position.next }
  for (const [partition, range] of Object.entries(chunk.ranges)) next[Number(partition)] = range.to
  return { logId: position.logId, next }
}
