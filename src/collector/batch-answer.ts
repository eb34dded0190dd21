import type { Answer } from './answers.ts'
import type { Batch, Remark } from './batch.ts'
import type { Receipt } from './receipts.ts'

/**
 * The answer to `POST /v1/events`: `{accepted, rejected, receipt, results}` with one result per event, in their order. With
 * `Prefer: return=minimal` only those of which there is something to say, each with its `index`. 422 when no event was valid.
 */
export function batchAnswer(batch: Batch, receipt: Receipt | undefined, minimal: boolean): Answer {
  const accepted = batch.records.length
  const head = `{"accepted":${accepted},"rejected":${batch.rejected},"receipt":${JSON.stringify(receipt ?? null)},"results":[`
  const results = minimal ? remarked(batch, receipt) : all(batch, receipt)
  const headers: Record<string, string> = { 'Content-Type': 'application/json; charset=utf-8' }
  if (minimal) headers['Preference-Applied'] = 'return=minimal'
  return { status: accepted === 0 ? 422 : 200, headers, body: `${head}${results}]}\n` }
}

function all(batch: Batch, receipt: Receipt | undefined): string {
  let text = ''
  let offset = receipt?.offset ?? 0
  let at = 0
  for (let i = 0; i < batch.ids.length; i++) {
    const from = at
    while (at < batch.remarks.length && batch.remarks[at]!.index === i) at++
    const remark = at === from ? undefined : batch.remarks[at - 1]!
    text += `${i === 0 ? '' : ','}${result(batch.ids[i]!, remark, offset, false)}`
    if (remark?.rejected !== true) offset++
  }
  return text
}

function remarked(batch: Batch, receipt: Receipt | undefined): string {
  let rejectedBefore = 0
  return batch.remarks
    .map((remark) => {
      const offset = (receipt?.offset ?? 0) + remark.index - rejectedBefore
      if (remark.rejected) rejectedBefore++
      return result(batch.ids[remark.index]!, remark, offset, true)
    })
    .join(',')
}

function result(id: string, remark: Remark | undefined, offset: number, withIndex: boolean): string {
  // An id is ours or visible ASCII; only a quote and a backslash would need an escape.
  const quoted = id.includes('"') || id.includes('\\') ? JSON.stringify(id) : `"${id}"`
  if (remark === undefined) return `{"event_id":${quoted},"status":"accepted","offset":${offset}}`
  const { index, rejected, reason, field, detail, nearest } = remark
  const place = rejected ? { status: 'rejected' } : { status: 'accepted', offset }
  const rest = JSON.stringify({ ...(withIndex ? { index } : {}), ...place, reason, field, detail, nearest })
  return `{"event_id":${quoted},${rest.slice(1)}`
}
