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

/** `Landfall-Event-Id` names so many events at most; the others follow from the receipt. */
const IDS_IN_HEADER = 32

/** `Landfall-Receipt`, and `Landfall-Event-Id` with the ids of the request's events in order. */
export function receiptHeaders(receipt: Receipt, ids: readonly string[]): Record<string, string> {
  const text = ids.length === 1 ? ids[0]! : ids.slice(0, IDS_IN_HEADER).join(', ')
  return { 'Landfall-Receipt': receiptText(receipt), 'Landfall-Event-Id': text }
}
