/** Every frame of the log, by reading all records that it has. */
import { isLandfallError } from '../base/errors.ts'
import type { LogReader } from '../log/log.ts'
import { nextOffset, type Position } from '../model/position.ts'
import type { Findings } from './report.ts'

export interface LogOptions {
  signal: AbortSignal
  /** Records read so far. */
  onProgress: (records: number) => void
}

/** Reads the log from its start to its end; goes on behind what cannot be read. */
export async function checkLog(
  log: LogReader,
  findings: Findings,
  { signal, onProgress }: LogOptions,
): Promise<void> {
  const end = await log.end()
  let from = await log.start()
  let read = 0
  for (;;) {
    signal.throwIfAborted()
    const at: Position = { logId: log.id, next: { ...from.next } }
    try {
      for await (const batch of log.read({ from, follow: false, reuseBytes: true, signal })) {
        read += batch.next - nextOffset(at, batch.partition)
        at.next[batch.partition] = batch.next
        findings.count('log', 0)
        onProgress(read)
      }
      return
    } catch (error) {
      const behind = damagedRange(error)
      if (behind === undefined) throw error
      const { partition, from: first, to } = behind
      const file = isLandfallError(error) ? ((error.details['path'] as string | undefined) ?? null) : null
      findings.damage((error as Error).message, { file, offsets: [{ partition, from: first, to }] })
      if (to >= nextOffset(end, partition) && Object.keys(end.next).length <= 1) return
      from = { logId: log.id, next: { ...at.next, [partition]: to } }
    }
  }
}

function damagedRange(error: unknown): { partition: number; from: number; to: number } | undefined {
  if (!isLandfallError(error, 'log/damaged')) return undefined
  const { from, to, partition } = error.details as { from?: number; to?: number; partition?: number }
  return from === undefined || to === undefined || to <= from
    ? undefined
    : { partition: partition ?? 0, from, to }
}
