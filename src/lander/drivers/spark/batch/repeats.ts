/**
 * Which records of a batch repeat an earlier one, by the rules of `lander/duplicates`: Spark finds the few records whose id its
 * partition has more than once, in the batch or in what has landed inside the window; here they are decided in order of offset.
 * Contents are read (from the log) only where their digests differ.
 */
import { isHealedEventId } from '../../../../model/healed.ts'
import type { CompiledPipeline } from '../../../../model/pipeline.ts'
import type { EarlierRecord } from '../../../duplicates/earlier-records.ts'
import { leftOutOf } from '../../../duplicates/left-out.ts'
import { sameEvent } from '../../../duplicates/same-event.ts'

/** A record that shares its id with another one of its partition. */
export interface SharedId {
  partition: number
  offset: number
  eventId: string
  /** µs */
  receivedAt: number
  /** SHA-256 of the value, hexadecimal. */
  digest: string
  /** Made by a route, whose request's headers are merged into the value. */
  route: boolean
  /** Landed before this batch, and the first of its id. */
  landed: boolean
}

/** A record whose fate is known without its types. */
export interface Fault {
  partition: number
  offset: number
  fate: 'duplicate' | 'dead'
  reason: string | null
  field: string | null
  detail: string | null
}

/** Reads records of a partition back. */
export type ReadRecords = (
  partition: number,
  offsets: readonly number[],
) => Promise<Map<number, EarlierRecord>>

interface Repeat {
  self: SharedId
  first: SharedId
}

/** The verdicts of records that are no first of their id. */
export async function judgeRepeats(
  pipeline: CompiledPipeline,
  shared: SharedId[],
  read: ReadRecords,
): Promise<Fault[]> {
  const repeats = findRepeats(shared, pipeline.duplicates.windowMs * 1000)
  const isSame = ({ self, first }: Repeat) => self.digest === first.digest || isHealedEventId(self.eventId)
  const different = repeats.filter((repeat) => !isSame(repeat))
  const values = await readValues(different, read)
  const leftOut = leftOutOf(pipeline)
  return repeats.map((repeat) => {
    const { self, first } = repeat
    const { partition, offset } = self
    const valueOf = (record: SharedId) => values.get(`${partition}/${record.offset}`)
    const same =
      isSame(repeat) ||
      sameEvent(
        valueOf(first) ?? Buffer.alloc(0),
        valueOf(self) ?? Buffer.alloc(0),
        self.route ? leftOut.onRoutes : leftOut.elsewhere,
      )
    if (same) return { partition, offset, fate: 'duplicate', reason: null, field: null, detail: null }
    const detail = `offset ${first.offset} has the same event_id and other content`
    return { partition, offset, fate: 'dead', reason: 'id_conflict', field: 'event_id', detail }
  })
}

/** Walks in order of offset. Whether a record is a first one depends on ids and times alone, not on contents. */
function findRepeats(shared: SharedId[], windowMicros: number): Repeat[] {
  shared.sort((a, b) => a.partition - b.partition || a.offset - b.offset)
  const firsts = new Map<string, SharedId[]>()
  const repeats: Repeat[] = []
  for (const self of shared) {
    const key = `${self.partition}/${self.eventId}`
    const known = firsts.get(key)
    // A healed event lands once for all: window and content do not matter (healed-events.ts).
    const since = isHealedEventId(self.eventId) ? Number.NEGATIVE_INFINITY : self.receivedAt - windowMicros
    const first = self.landed ? undefined : known?.findLast(({ receivedAt }) => receivedAt >= since)
    if (first !== undefined) repeats.push({ self, first })
    else if (known !== undefined) known.push(self)
    else firsts.set(key, [self])
  }
  return repeats
}

async function readValues(repeats: readonly Repeat[], read: ReadRecords): Promise<Map<string, Buffer>> {
  const wanted = new Map<number, Set<number>>()
  for (const { self, first } of repeats) {
    const offsets = wanted.get(self.partition) ?? new Set()
    wanted.set(self.partition, offsets.add(self.offset).add(first.offset))
  }
  const values = new Map<string, Buffer>()
  for (const [partition, offsets] of wanted) {
    for (const [offset, { value }] of await read(partition, [...offsets]))
      values.set(`${partition}/${offset}`, value)
  }
  return values
}
