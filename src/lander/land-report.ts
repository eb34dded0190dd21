import type { TableState } from '../lake/lake.ts'
import { sumCounts } from './spool-writer.ts'

/** What `landToEnd` did: counts of this call. */
export interface LandReport {
  records: number
  landed: number
  dead: number
  duplicate: number
  batches: number
}

/** What has landed between two states of `events`. */
export function reportBetween(before: TableState, now: TableState): LandReport {
  const [first, last] = [sumCounts(before.counters ?? {}), sumCounts(now.counters ?? {})]
  return {
    records: last.records - first.records,
    landed: last.landed - first.landed,
    dead: last.dead - first.dead,
    duplicate: last.duplicate - first.duplicate,
    batches: now.batch - before.batch,
  }
}
