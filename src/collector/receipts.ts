import type { Appended } from '../log/log.ts'

/** Proof that events are durable: where they stand. */
export interface Receipt {
  log_id: string
  /** Of the first event. Without `runs` the others follow at the next offsets of its partition. */
  partition: number
  offset: number
  count: number
  /** Per partition, where the events of it stand one behind the other, when they went to several. */
  runs?: Run[]
}

export interface Run {
  partition: number
  offset: number
  count: number
}

export function receiptOf(logId: string, appended: Appended, count: number): Receipt {
  const { partition, baseOffset: offset, places } = appended
  const receipt: Receipt = { log_id: logId, partition, offset, count }
  if (places !== undefined) receipt.runs = runsOf(appended, count)
  return receipt
}

/** What an append has of each partition: records of one call stand one behind the other there. */
export function runsOf({ partition, baseOffset, places }: Appended, count: number): Run[] {
  if (places === undefined) return [{ partition, offset: baseOffset, count }]
  const runs = new Map<number, Run>()
  for (const place of places) {
    const run = runs.get(place.partition)
    if (run === undefined) runs.set(place.partition, { ...place, count: 1 })
    else run.count++
  }
  return [...runs.values()]
}

/**
 * The header `Landfall-Receipt`: `<log id>/<partition>/<offset>`, and `;count=<n>` when there is more than one; one such entry for
 * each partition, with commas between them.
 */
export function receiptText({ log_id: logId, runs, ...all }: Receipt): string {
  return (runs ?? [all])
    .map(({ partition, offset, count }) => {
      const place = `${logId}/${partition}/${offset}`
      return count === 1 ? place : `${place};count=${count}`
    })
    .join(', ')
}

/** `Landfall-Event-Id` names so many events at most; the others follow from the receipt. */
const IDS_IN_HEADER = 32

/** `Landfall-Receipt`, and `Landfall-Event-Id` with the ids of the request's events in order. */
export function receiptHeaders(receipt: Receipt, ids: readonly string[]): Record<string, string> {
  const text = ids.length === 1 ? ids[0]! : ids.slice(0, IDS_IN_HEADER).join(', ')
  return { 'Landfall-Receipt': receiptText(receipt), 'Landfall-Event-Id': text }
}
