import { LandfallError } from '../base/errors.ts'
import type { Position } from '../model/position.ts'
import { nextOffset } from '../model/position.ts'

/** Position of a log with the one partition 0. */
export function positionAt(logId: string, next: number): Position {
  return { logId, next: { 0: next } }
}

/** The offset a read begins at: `start` without a position. Throws `log/wrong-log` and `log/out-of-range`. */
export function checkReadFrom(
  from: Position | undefined,
  logId: string,
  start: number,
  end: number,
  partition = 0,
): number {
  if (from === undefined) return start
  checkLogId(from, logId)
  if (from.next[partition] === undefined) return start
  const offset = nextOffset(from, partition)
  if (offset >= start && offset <= end) return offset
  const gap = offset < start ? { from: offset, to: start } : { from: end, to: offset }
  const of = partition === 0 ? '' : ` of partition ${partition}`
  throw new LandfallError(
    'bad-data',
    'log/out-of-range',
    `reading log ${logId} from offset ${offset}${of}: it holds ${start} to ${end}`,
    {
      hint:
        offset < start
          ? `Offsets ${gap.from} to ${gap.to} are gone by retention: go on from ${start} and account for the gap`
          : 'The log is behind what was already read from it: restore the newer log',
      details: { ...gap, start, end, partition },
    },
  )
}

/** Throws `log/wrong-log` when a position belongs to another log. */
export function checkLogId(position: Position, logId: string): void {
  if (position.logId === logId) return
  throw new LandfallError(
    'fix-config',
    'log/wrong-log',
    `a position of log ${position.logId} was used on log ${logId}`,
    {
      hint: 'Use the data directory that the position comes from',
      details: { expected: position.logId, found: logId },
    },
  )
}
