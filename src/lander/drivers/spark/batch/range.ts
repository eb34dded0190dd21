/** Ranges of offsets: what a batch takes, and how Spark's Kafka source is told so. */
import { nextOffset, type Position } from '../../../../model/position.ts'
import { type Relation, readSource } from '../connect/relation.ts'
import type { KafkaPlace } from '../options.ts'

/** partition → [from, to); partitions without records are absent. */
export type Ranges = Record<number, { from: number; to: number }>

/** Records of one task at most, so that a large range is read and judged by all cores. */
const TASK_ROWS = 50_000
const TASKS_MAX = 64

/** Everything between two positions, at most about `rowsMax` records: of each partition the same share. */
export function nextRange(from: Position, end: Position, rowsMax: number): { ranges: Ranges; to: Position } {
  const ranges: Ranges = {}
  const to: Position = { logId: from.logId, next: { ...from.next } }
  const share = Math.min(1, rowsMax / Math.max(1, lagOf(from, end)))
  for (const partition of Object.keys(end.next).map(Number)) {
    const first = nextOffset(from, partition)
    const last = Math.min(end.next[partition]!, first + Math.ceil((end.next[partition]! - first) * share))
    if (last <= first) continue
    ranges[partition] = { from: first, to: last }
    to.next[partition] = last
  }
  return { ranges, to }
}

/** The range of a plan. */
export function rangesBetween(from: Position, to: Position): Ranges {
  return nextRange(from, to, Number.POSITIVE_INFINITY).ranges
}

/** Records between two positions. */
export function lagOf(from: Position, end: Position): number {
  return Object.keys(end.next)
    .map((key) => Math.max(0, end.next[Number(key)]! - nextOffset(from, Number(key))))
    .reduce((sum, lag) => sum + lag, 0)
}

/** Exactly these records, with the columns of Spark's Kafka source. Options travel as such: SQL text would show secrets in Spark's UI. */
export function kafkaRange({ servers, topic, options }: KafkaPlace, ranges: Ranges): Relation {
  const partitions = Object.keys(ranges).map(Number)
  const offsets = (of: 'from' | 'to') =>
    JSON.stringify({
      [topic]: Object.fromEntries(partitions.map((partition) => [partition, ranges[partition]![of]])),
    })
  const rows = partitions.reduce((sum, partition) => sum + ranges[partition]!.to - ranges[partition]!.from, 0)
  const tasks = Math.min(TASKS_MAX, Math.max(partitions.length, Math.ceil(rows / TASK_ROWS)))
  return readSource(
    'kafka',
    {
      ...options,
      'kafka.bootstrap.servers': servers,
      assign: JSON.stringify({ [topic]: partitions }),
      startingOffsets: offsets('from'),
      endingOffsets: offsets('to'),
      includeHeaders: 'true',
      // What a foreign producer's transaction took back is never read, as by the driver of the log.
      'kafka.isolation.level': 'read_committed',
      // A range that is not there whole is an error, never less than it should be.
      failOnDataLoss: 'true',
      minPartitions: String(tasks),
    },
    false,
  )
}
