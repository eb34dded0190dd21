import type { LogReader } from '../log/log.ts'
import { nextOffset, type Position } from '../model/position.ts'

/** How many records each partition has in [from, to), by reading them. */
export async function countRecords(
  log: LogReader,
  from: Position,
  to: Position,
  signal?: AbortSignal,
): Promise<Record<number, number>> {
  const counts: Record<number, number> = {}
  const left = new Set<number>()
  for (const partition of Object.keys(to.next).map(Number)) {
    counts[partition] = 0
    if (nextOffset(to, partition) > nextOffset(from, partition)) left.add(partition)
  }
  if (left.size === 0) return counts
  for await (const batch of log.read({
    from,
    follow: false,
    reuseBytes: true,
    ...(signal ? { signal } : {}),
  })) {
    const { partition, next } = batch
    const end = nextOffset(to, partition)
    if (left.has(partition)) {
      const cursor = batch.cursor()
      while (cursor.next() && cursor.offset < end) counts[partition] = counts[partition]! + 1
      if (next >= end) left.delete(partition)
    }
    if (left.size === 0) break
  }
  signal?.throwIfAborted()
  return counts
}
