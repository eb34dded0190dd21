/** What clients draw while they wait: Trino's `stats`, from what the engine says of its work. */
import type { QueryProgress } from '../../sql.ts'
import type { QueryState, WireResults } from '../../trino-protocol.ts'

export interface StatementTimes {
  state: QueryState
  /** In the engine's queue, and since the statement came. */
  queuedMs: number
  elapsedMs: number
  /** Statements that start before this one. */
  ahead: number
  progress: QueryProgress
  /** Rows and bytes of the answer that were handed out. */
  sent: { rows: number; bytes: number }
  /** The engine has made the whole answer; what is left is to fetch it. */
  computed: boolean
}

/**
 * One process is one node, a file that is read is a split. `processedBytes` are those of the answer, since the engine does not count
 * what it reads. What is not measured is 0, as the protocol wants a number.
 */
export function statementStats(times: StatementTimes): WireResults['stats'] {
  const { state, progress, sent } = times
  const ended = state === 'FINISHED' || state === 'FAILED'
  const done = times.computed || state === 'FINISHED'
  const percentage = done ? 100 : Math.min(progress.percentage, 99)
  const totalSplits = Math.max(progress.splits, 1)
  const completedSplits = done ? totalSplits : Math.floor((totalSplits * percentage) / 100)
  const runningSplits = state === 'QUEUED' || ended ? 0 : totalSplits - completedSplits
  const elapsed = Math.round(times.elapsedMs)
  const queued = Math.round(times.queuedMs)
  return {
    state,
    queued: state === 'QUEUED',
    scheduled: state !== 'QUEUED',
    progressPercentage: percentage,
    runningPercentage: runningSplits === 0 ? 0 : (100 * runningSplits) / totalSplits,
    nodes: state === 'QUEUED' ? 0 : 1,
    totalSplits,
    queuedSplits: state === 'QUEUED' ? totalSplits : 0,
    runningSplits,
    completedSplits,
    planningTimeMillis: 0,
    analysisTimeMillis: 0,
    cpuTimeMillis: elapsed - queued,
    wallTimeMillis: elapsed - queued,
    queuedTimeMillis: queued,
    // Ours: how many statements start before this one, while it is QUEUED.
    queuePosition: times.ahead,
    elapsedTimeMillis: elapsed,
    finishingTimeMillis: 0,
    physicalInputTimeMillis: 0,
    processedRows: Math.max(progress.rows, sent.rows),
    processedBytes: sent.bytes,
    physicalInputBytes: 0,
    physicalWrittenBytes: 0,
    internalNetworkInputBytes: 0,
    peakMemoryBytes: 0,
    spilledBytes: 0,
  }
}
