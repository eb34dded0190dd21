/** Single records of the log: the one at an offset, and those of an id. */
import { derivedEventId, isEventId } from '../lander/event-ids.ts'
import type { LogReader, RecordCursor } from '../log/log.ts'
import { nextOffset, type Position } from '../model/position.ts'
import { recordHeader } from '../model/record.ts'

/** What the log has of a record. */
export interface FoundRecord {
  partition: number
  offset: number
  eventId: string
  /** µs since 1970 */
  receivedAt: number
}

/** Small: one record is wanted, and what is read around it is thrown away. */
const READ_BYTES = 64 * 1024

/** The record at an offset that the log still has; undefined when none stands there (a mark of a transaction, say). */
export async function recordAt(
  log: LogReader,
  partition: number,
  offset: number,
  end: Position,
): Promise<FoundRecord | undefined> {
  const from: Position = { logId: log.id, next: { ...end.next, [partition]: offset } }
  for await (const batch of log.read({ from, follow: false, batchBytesMax: READ_BYTES })) {
    if (batch.partition !== partition) continue
    const cursor = batch.cursor()
    while (cursor.next() && cursor.offset <= offset)
      if (cursor.offset === offset) return found(log.id, partition, cursor, idOf(cursor))
    if (batch.next > offset) return undefined
  }
  return undefined
}

/** The records of an id in [from, to), at most `max` of them. */
export async function recordsOfId(
  log: LogReader,
  id: string,
  from: Position,
  to: Position,
  max: number,
): Promise<FoundRecord[]> {
  const records: FoundRecord[] = []
  const left = new Set(
    Object.keys(to.next)
      .map(Number)
      .filter((partition) => nextOffset(to, partition) > nextOffset(from, partition)),
  )
  if (left.size === 0) return records
  const wanted = Buffer.from(id, 'latin1')
  for await (const batch of log.read({ from, follow: false, reuseBytes: true })) {
    const { partition } = batch
    const end = nextOffset(to, partition)
    const cursor = batch.cursor()
    while (cursor.next() && cursor.offset < end) {
      if (!hasId(cursor, wanted) && !isDerived(log.id, partition, cursor, id)) continue
      records.push(found(log.id, partition, cursor, id))
      if (records.length === max) return records
    }
    if (batch.next >= end) left.delete(partition)
    if (left.size === 0) break
  }
  return records
}

function hasId(cursor: RecordCursor, wanted: Buffer): boolean {
  if (!cursor.findHeader(recordHeader.eventId)) return false
  const { bytes, headerStart, headerEnd } = cursor
  return headerEnd - headerStart === wanted.length && wanted.compare(bytes, headerStart, headerEnd) === 0
}

/** A record without an id of its own has one that its place gives it. */
function isDerived(logId: string, partition: number, cursor: RecordCursor, id: string): boolean {
  return !isEventId(idOf(cursor)) && derivedEventId(logId, partition, cursor.offset) === id
}

function idOf(cursor: RecordCursor): string {
  if (!cursor.findHeader(recordHeader.eventId)) return ''
  return cursor.bytes.toString('latin1', cursor.headerStart, cursor.headerEnd)
}

function found(logId: string, partition: number, cursor: RecordCursor, id: string): FoundRecord {
  const { offset, receivedAt } = cursor
  return {
    partition,
    offset,
    receivedAt,
    eventId: isEventId(id) ? id : derivedEventId(logId, partition, offset),
  }
}
