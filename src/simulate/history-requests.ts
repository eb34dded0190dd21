/** History through the batch door: `POST /v1/events`, to a source that takes the client's time. */
import { LandfallError } from '../base/errors.ts'
import type { CompiledPipeline, SourceDefinition } from '../model/pipeline.ts'
import { authorization, type BadRequest } from './bad.ts'
import { createRandom } from './random.ts'
import type { SimulatedRequest } from './requests.ts'
import type { HistoryEvent } from './simulate.ts'

const BATCH = 1000
const DAY_MS = 86_400_000
/** Until the oldest event is there. */
const SENDING_MS = 60_000

export type TrustedSource = SourceDefinition & { trustTime: NonNullable<SourceDefinition['trustTime']> }

/** The source that takes times as far back as `from`. Throws `simulate/no-history-source` with what to write when there is none. */
export function historySource(
  { name, sources }: CompiledPipeline,
  fromMs: number,
  nowMs: number,
): TrustedSource {
  const trusted = sources.filter((source): source is TrustedSource => source.trustTime !== null)
  const [best] = trusted.sort((a, b) => b.trustTime.pastMs - a.trustTime.pastMs)
  const days = Math.ceil((nowMs - fromMs + SENDING_MS) / DAY_MS)
  if (best !== undefined && best.trustTime.pastMs >= nowMs - fromMs + SENDING_MS) return best
  const found =
    best === undefined
      ? 'none of its sources takes the time from the event'
      : `its source ${best.name} takes times of the last ${Math.floor(best.trustTime.pastMs / DAY_MS)} days`
  const write =
    best === undefined
      ? `sources: { default: {}, history: { writeKey: '…', trustTime: { past: '${days}d' } } }`
      : `past: '${days}d' in sources.${best.name}.trustTime`
  throw new LandfallError(
    'fix-config',
    'simulate/no-history-source',
    `sending ${days} days of history to ${name}: ${found}`,
    { hint: `Write ${write} in the pipeline file, and start it anew` },
  )
}

/** Batches of the events, at most `count` events in all; of the requests beside them so many are bad as `share` of all events is. */
export async function* historyRequests(
  events: AsyncIterable<HistoryEvent>,
  source: SourceDefinition,
  { count, bad, share, seed }: { count: number; bad: Iterator<BadRequest>; share: number; seed: number },
): AsyncGenerator<SimulatedRequest> {
  const random = createRandom(seed)
  let lines: string[] = []
  let left = count
  for await (const { event } of events) {
    if (left-- <= 0) break
    lines.push(event)
    if (random.next() < share) yield bad.next().value as BadRequest
    if (lines.length < BATCH) continue
    yield batchOf(lines, source)
    lines = []
  }
  if (lines.length > 0) yield batchOf(lines, source)
}

function batchOf(lines: string[], source: SourceDefinition): SimulatedRequest {
  const body = `${lines.join('\n')}\n`
  const headers = {
    Host: 'simulate',
    'User-Agent': 'landfall-simulate',
    'Content-Type': 'application/x-ndjson',
    'Content-Length': String(Buffer.byteLength(body)),
    Prefer: 'return=minimal',
    ...authorization(source),
  }
  return { method: 'POST', path: '/v1/events', headers, body, events: lines.length }
}
