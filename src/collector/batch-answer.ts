import type { Place } from '../log/log.ts'
import type { Answer } from './answers.ts'
import type { Batch, Remark } from './batch.ts'
import type { Receipt } from './receipts.ts'

/**
 * The answer to `POST /v1/events`: `{accepted, rejected, receipt, results}` with one result per event, in their order, each with its
 * offset (and its partition, when the events went to several). With
 * `Prefer: return=minimal` only those of which there is something to say, each with its `index`. 422 when no event was valid.
 */
export function batchAnswer(
  batch: Batch,
  receipt: Receipt | undefined,
  minimal: boolean,
  places?: readonly Place[],
): Answer {
  const accepted = batch.records.length
  const head = `{"accepted":${accepted},"rejected":${batch.rejected},"receipt":${JSON.stringify(receipt ?? null)},"results":[`
  const results = minimal ? remarked(batch, receipt, places) : all(batch, receipt, places)
  const headers: Record<string, string> = { 'Content-Type': 'application/json; charset=utf-8' }
  if (minimal) headers['Preference-Applied'] = 'return=minimal'
  return { status: accepted === 0 ? 422 : 200, headers, body: `${head}${results}]}\n` }
}

function all(batch: Batch, receipt: Receipt | undefined, places: readonly Place[] | undefined): string {
  let text = ''
  let accepted = 0
  let at = 0
  for (let i = 0; i < batch.ids.length; i++) {
    const from = at
    while (at < batch.remarks.length && batch.remarks[at]!.index === i) at++
    const remark = at === from ? undefined : batch.remarks[at - 1]!
    text += `${i === 0 ? '' : ','}${result(batch.ids[i]!, remark, receipt, accepted, places, false)}`
    if (remark?.rejected !== true) accepted++
  }
  return text
}

function remarked(batch: Batch, receipt: Receipt | undefined, places: readonly Place[] | undefined): string {
  let rejectedBefore = 0
  return batch.remarks
    .map((remark) => {
      const accepted = remark.index - rejectedBefore
      if (remark.rejected) rejectedBefore++
      return result(batch.ids[remark.index]!, remark, receipt, accepted, places, true)
    })
    .join(',')
}

/** `accepted`: which of the appended events it is. */
function result(
  id: string,
  remark: Remark | undefined,
  receipt: Receipt | undefined,
  accepted: number,
  places: readonly Place[] | undefined,
  withIndex: boolean,
): string {
  // An id is ours or visible ASCII; only a quote and a backslash would need an escape.
  const quoted = id.includes('"') || id.includes('\\') ? JSON.stringify(id) : `"${id}"`
  const spread = places?.[accepted]
  const offset = spread?.offset ?? (receipt?.offset ?? 0) + accepted
  const partition = spread === undefined ? '' : `"partition":${spread.partition},`
  if (remark === undefined) {
    return `{"event_id":${quoted},"status":"accepted",${partition}"offset":${offset}}`
  }
  const { index, rejected, reason, field, detail, nearest } = remark
  const place = rejected
    ? { status: 'rejected' }
    : { status: 'accepted', ...(spread && { partition: spread.partition }), offset }
  const rest = JSON.stringify({ ...(withIndex ? { index } : {}), ...place, reason, field, detail, nearest })
  return `{"event_id":${quoted},${rest.slice(1)}`
}
