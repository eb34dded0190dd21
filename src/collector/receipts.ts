import type { Appended } from '../log/log.ts'

/** Proof that events are durable: where the first of them stands. Offsets of the others follow. */
export interface Receipt {
  log_id: string
  partition: number
  offset: number
  count: number
}

export function receiptOf(logId: string, { partition, baseOffset }: Appended, count: number): Receipt {
  return { log_id: logId, partition, offset: baseOffset, count }
}

/** The header `Landfall-Receipt`: `<log id>/<partition>/<offset>`, and `;count=<n>` when there is more than one. */
export function receiptText(receipt: Receipt): string {
  const place = `${receipt.log_id}/${receipt.partition}/${receipt.offset}`
  return receipt.count === 1 ? place : `${place};count=${receipt.count}`
}

const IDS_IN_HEADER = 32

/** The header `Landfall-Event-Id`: the ids of the first events of a request, in order. */
export function eventIdsText(ids: readonly string[]): string {
  return ids.length === 1 ? ids[0]! : ids.slice(0, IDS_IN_HEADER).join(', ')
}
