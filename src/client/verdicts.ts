import type { PendingEvent, TrackReceipt } from './pending.ts'

/** The collector's word on one event. */
export type EventVerdict =
  | { accepted: true; receipt: TrackReceipt }
  | { accepted: false; reason: string; message: string; field: string | undefined }

/**
 * Reads an answer of `POST /v1/events`: one item per event, in the order they were sent, each with the id it was sent under.
 * Anything else is undefined: then nothing is known to be accepted.
 */
export function readVerdicts(text: string, events: readonly PendingEvent[]): EventVerdict[] | undefined {
  const answer = parse(text)
  const items = answer?.['events']
  if (!Array.isArray(items) || items.length !== events.length) return undefined
  const logId = typeof answer?.['log_id'] === 'string' ? answer['log_id'] : undefined
  const verdicts: EventVerdict[] = []
  for (const [i, pending] of events.entries()) {
    const item = items[i] as Record<string, unknown> | null
    if (item?.['event_id'] !== pending.eventId) return undefined
    verdicts.push(readItem(item, logId, pending.eventId))
  }
  return verdicts
}

function readItem(item: Record<string, unknown>, logId: string | undefined, eventId: string): EventVerdict {
  const text = (name: string) => (typeof item[name] === 'string' ? item[name] : undefined)
  if (item['status'] !== 'accepted') {
    const reason = text('reason') ?? 'rejected'
    return { accepted: false, reason, message: text('detail') ?? reason, field: text('field') }
  }
  const receipt: TrackReceipt = { eventId }
  if (logId !== undefined) receipt.logId = logId
  if (typeof item['partition'] === 'number') receipt.partition = item['partition']
  if (typeof item['offset'] === 'number') receipt.offset = item['offset']
  const warning = text('warning')
  if (warning !== undefined) receipt.warning = warning
  return { accepted: true, receipt }
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
