import type { PendingEvent, TrackReceipt } from './pending.ts'

/** The collector's word on one event. */
export type EventVerdict =
  | { accepted: true; receipt: TrackReceipt }
  | { accepted: false; reason: string; message: string; field: string | undefined }

type Fields = Record<string, unknown>

/**
 * Reads an answer of `POST /v1/events` (`{receipt, results}`): one result per event, in the order they were sent, each with the
 * id it was sent under. Anything else is undefined: then nothing is known to be accepted.
 */
export function readVerdicts(text: string, events: readonly PendingEvent[]): EventVerdict[] | undefined {
  const answer = parseObject(text)
  const results = answer?.['results']
  if (!Array.isArray(results) || results.length !== events.length) return undefined
  const place = asObject(answer?.['receipt'])
  const verdicts: EventVerdict[] = []
  for (const [i, pending] of events.entries()) {
    const result = asObject(results[i])
    if (result?.['event_id'] !== pending.eventId) return undefined
    verdicts.push(readResult(result, place, pending.eventId))
  }
  return verdicts
}

/** The collector's own error (`{error: {code, message}}`) in words and as a reason, or the text as it is. */
export function readError(text: string): { reason: string | undefined; message: string } {
  const error = asObject(parseObject(text)?.['error'])
  return {
    reason: textOf(error, 'code'),
    message: textOf(error, 'message') ?? text.replace(/\s+/g, ' ').trim(),
  }
}

function readResult(result: Fields, place: Fields | undefined, eventId: string): EventVerdict {
  const reason = textOf(result, 'reason')
  const nearest = textOf(result, 'nearest')
  const detail = textOf(result, 'detail') ?? reason ?? 'no reason was given'
  const message = nearest === undefined ? detail : `${detail}; did you mean ${nearest}?`
  if (result['status'] !== 'accepted') {
    return { accepted: false, reason: reason ?? 'rejected', message, field: textOf(result, 'field') }
  }
  const receipt: TrackReceipt = { eventId }
  const logId = textOf(place, 'log_id')
  if (logId !== undefined) receipt.logId = logId
  // Events of one request may stand in several partitions: then each result has its own.
  const partition = result['partition'] ?? place?.['partition']
  if (typeof partition === 'number') receipt.partition = partition
  if (typeof result['offset'] === 'number') receipt.offset = result['offset']
  if (reason !== undefined) receipt.warning = message
  return { accepted: true, receipt }
}

function textOf(fields: Fields | undefined, name: string): string | undefined {
  const value = fields?.[name]
  return typeof value === 'string' ? value : undefined
}

function asObject(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null ? (value as Fields) : undefined
}

function parseObject(text: string): Fields | undefined {
  try {
    return asObject(JSON.parse(text))
  } catch {
    return undefined
  }
}
