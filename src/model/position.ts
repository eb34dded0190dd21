/**
 * Where a reader or a table stands in a log: the log's identity and, per partition, the offset of the **next** record.
 * Offsets are Kafka's: they start at 0 and count records. They are numbers here (exact up to 2^53).
 */
export interface Position {
  logId: string
  /** partition → next offset; a partition that is absent stands at its earliest record. */
  next: Record<number, number>
}

/** A contiguous piece of a log: per partition, `from` (inclusive) to `to` (exclusive). */
export interface OffsetRange {
  logId: string
  ranges: Record<number, { from: number; to: number }>
}

/** The text kept in table properties and snapshot summaries under `landfall.position`. */
export function formatPosition(position: Position): string {
  const next = Object.fromEntries(Object.entries(position.next).sort(([a], [b]) => Number(a) - Number(b)))
  return JSON.stringify({ logId: position.logId, next })
}

export function parsePosition(text: string): Position {
  const value = JSON.parse(text) as Position
  return { logId: value.logId, next: { ...value.next } }
}

export function nextOffset(position: Position | undefined, partition: number): number {
  return position?.next[partition] ?? 0
}

/** Whether everything before `other` is before this position too. */
export function covers(position: Position, other: Position): boolean {
  if (position.logId !== other.logId) return false
  return Object.entries(other.next).every(
    ([partition, next]) => nextOffset(position, Number(partition)) >= next,
  )
}

/** Of each partition the further one. */
export function furthest(a: Position, b: Position): Position {
  const next = { ...a.next }
  for (const [partition, offset] of Object.entries(b.next))
    next[Number(partition)] = Math.max(offset, nextOffset(a, Number(partition)))
  return { logId: a.logId, next }
}

export function samePosition(a: Position, b: Position): boolean {
  return formatPosition(a) === formatPosition(b)
}
