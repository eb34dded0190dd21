/**
 * Heals dead letters: judges each again by the present plan, as it stands or as a repair function makes it, and appends what fits as a new
 * event whose id names the letter. The letter stays.
 *
 * A kill at any point leaves some of the events in the log and others not. Done again, letters whose event has landed or is on its way are left
 * out, and whatever is appended twice nonetheless (two people at once, an answer that was lost) lands once: the id is a mark
 * that the lander keeps for ever (docs/formats/lander.md).
 */
import { isLandfallError, LandfallError } from '../../base/errors.ts'
import type { Lake } from '../../lake/lake.ts'
import { findSnapshot } from '../../lake/metadata.ts'
import { loadDefinition } from '../../lander/definitions.ts'
import type { LogReader } from '../../log/log.ts'
import type { DeadLetter, Repair } from '../../model/define-repair.ts'
import { HEALED_PREFIX, healedEventId } from '../../model/healed.ts'
import type { CompiledPipeline } from '../../model/pipeline.ts'
import { type PlanFiles, savePlan } from '../../model/plan-store.ts'
import { recordHeader } from '../../model/record.ts'
import { knownEnd } from '../known-end.ts'
import type { Places } from '../places.ts'
import { openPlans } from '../plans.ts'
import { openDataLog, requireData } from '../readers.ts'
import { openLakeAt } from '../rooms.ts'
import { diffTables } from '../table-diff.ts'
import { type LetterFilter, readLetters } from './letters.ts'
import { type Remains, repairLetter } from './repair-letter.ts'
import type { HealedRecord } from './replay-inbox.ts'
import { ReplayLog } from './replay-log.ts'

export interface ReplayOptions {
  pipeline: CompiledPipeline
  places: Places
  /** Default: letters that fit the present plan as they stand. */
  repair?: Repair
  filter: LetterFilter
  /** Append the healed events; else only look. */
  apply: boolean
  /** Pairs of before and after in the report. */
  examplesMax: number
  /** Bytes of one event. */
  eventBytesMax: number
  signal?: AbortSignal
  /** `total`: all letters of the table, which the filter leaves out some of. */
  onProgress?: (letters: number, total: number) => void
  onNote?: (text: string) => void
}

export interface RemainingGroup {
  why: Remains
  reason: string
  field: string | null
  event_type: string | null
  letters: number
  /** Of the first of them. */
  detail: string
  event_id: string
}

export interface ReplayReport {
  applied: boolean
  /** Letters that were looked at: the sum of all that follows. */
  letters: number
  /** Healed events of them have landed before. */
  healed_before: number
  /** Healed events of them are in the log and will land. */
  on_their_way: number
  /** Appended now, or would be. */
  heals: number
  remains: number
  /** What remains, the largest first; beyond GROUPS_MAX groups the smaller ones are one. */
  groups: RemainingGroup[]
  examples: { event_id: string; before: string; after: string }[]
}

const GROUPS_MAX = 200
const PIECE_RECORDS = 500
const PIECE_BYTES = 1024 * 1024

export async function replayDeadLetters(options: ReplayOptions): Promise<ReplayReport> {
  const { pipeline, places, apply, filter } = options
  requireData(places, 'lake')
  const [{ lake, catalog, storage }, log] = await Promise.all([openLakeAt(places), openDataLog(places)])
  await using closing = new AsyncDisposableStack()
  closing.use(log)
  await checkLake(lake, log)
  const report = emptyReport(apply)
  const onTheirWay = await healedOnTheirWay(lake, log)
  const sink = apply ? new ReplayLog({ ...options, knownEnd: await knownEnd(catalog) }) : undefined
  if (sink !== undefined) {
    closing.defer(() => sink.close())
    const plans = openPlans(places, storage)
    await refuseUnknownTables(options, lake, plans)
    // Before the first record that names it.
    await savePlan(plans, pipeline.plan)
  }
  const appender = new Pieces(sink)
  const total = await rowsOf(lake, 'dead_letters')
  const groups = new Groups()
  for await (const chunk of readLetters(lake, log.id, filter)) {
    options.signal?.throwIfAborted()
    for (const { letter, receivedAt, isHealed } of chunk) {
      report.letters += 1
      const id = healedEventId({ logId: log.id, ...letter })
      if (isHealed) report.healed_before += 1
      else if (onTheirWay.has(id)) report.on_their_way += 1
      else {
        const outcome = await repairLetter(
          letter,
          pipeline.plan,
          repairOf(letter, options),
          options.eventBytesMax,
        )
        if ('healed' in outcome) {
          report.heals += 1
          if (report.examples.length < options.examplesMax)
            report.examples.push({
              event_id: letter.event_id,
              before: letter.raw_event,
              after: outcome.healed,
            })
          await appender.add(recordOf(letter, id, receivedAt, outcome.healed, pipeline))
        } else {
          report.remains += 1
          groups.add(outcome, letter)
        }
      }
    }
    options.onProgress?.(report.letters, total)
  }
  await appender.flush()
  report.groups = groups.sorted()
  return report
}

/** A repair that mends a field must not land every retry of an event that was sent with other content: those are healed when asked for. */
function repairOf({ reason }: DeadLetter, { repair, filter }: ReplayOptions): Repair | undefined {
  return reason === 'id_conflict' && filter.reason !== 'id_conflict' ? undefined : repair
}

function emptyReport(applied: boolean): ReplayReport {
  const counts = { letters: 0, healed_before: 0, on_their_way: 0, heals: 0, remains: 0 }
  return { applied, ...counts, groups: [], examples: [] }
}

function recordOf(
  letter: DeadLetter,
  id: string,
  receivedAt: number,
  value: string,
  { plan }: CompiledPipeline,
): HealedRecord {
  const headers: HealedRecord['headers'] = [
    [recordHeader.eventId, id],
    [recordHeader.plan, plan.version],
    [recordHeader.happened, String(receivedAt)],
  ]
  if (letter.source !== '') headers.push([recordHeader.source, letter.source])
  if (letter.request_headers !== null) headers.push([recordHeader.requestHeaders, letter.request_headers])
  return { value, headers }
}

/** Appends records some at a time: memory is that of one piece. */
class Pieces {
  readonly #log: ReplayLog | undefined
  #records: HealedRecord[] = []
  #bytes = 0

  constructor(log: ReplayLog | undefined) {
    this.#log = log
  }

  async add(record: HealedRecord): Promise<void> {
    if (this.#log === undefined) return
    this.#records.push(record)
    this.#bytes += record.value.length
    if (this.#records.length >= PIECE_RECORDS || this.#bytes >= PIECE_BYTES) await this.flush()
  }

  async flush(): Promise<void> {
    const records = this.#records
    this.#records = []
    this.#bytes = 0
    if (records.length > 0) await this.#log!.append(records)
  }
}

/** What remains, by why and where. */
class Groups {
  readonly #groups = new Map<string, RemainingGroup>()

  add(
    {
      remains,
      reason,
      field,
      detail,
    }: { remains: Remains; reason: string; field: string | null; detail: string },
    { event_type, event_id }: DeadLetter,
  ): void {
    // A function may throw another text for each letter, and events may have any name.
    const what = remains === 'threw' ? detail : ''
    let key = JSON.stringify([remains, reason, field, event_type, what])
    const isNew = !this.#groups.has(key)
    if (isNew && this.#groups.size >= GROUPS_MAX) key = remains
    const group = this.#groups.get(key)
    if (group !== undefined) group.letters += 1
    else if (key === remains)
      this.#groups.set(key, {
        why: remains,
        reason: 'others',
        field: null,
        event_type: null,
        letters: 1,
        detail,
        event_id,
      })
    else this.#groups.set(key, { why: remains, reason, field, event_type, letters: 1, detail, event_id })
  }

  sorted(): RemainingGroup[] {
    return [...this.#groups.values()].sort((a, b) => b.letters - a.letters)
  }
}

async function rowsOf(lake: Lake, table: string): Promise<number> {
  const state = await lake.load(table)
  return Number((state && findSnapshot(state.metadata))?.summary['total-records'] ?? 0)
}

async function checkLake(lake: Lake, log: LogReader): Promise<void> {
  const events = await lake.load('events')
  if (events?.position === undefined || events.position.logId === log.id) return
  throw new LandfallError(
    'fix-config',
    'lander/wrong-log',
    `the tables stand at a position of log ${events.position.logId}, and this is log ${log.id}`,
    { hint: 'Name the log that belongs to these tables' },
  )
}

/** Ids of healed events between the tables and the log's end. They are as many as were appended since the last batch. */
async function healedOnTheirWay(lake: Lake, log: LogReader): Promise<Set<string>> {
  const from = (await lake.load('events'))?.position ?? (await log.start())
  const found = new Set<string>()
  for await (const batch of log.read({ from, follow: false, reuseBytes: true })) {
    const cursor = batch.cursor()
    while (cursor.next()) {
      if (!cursor.findHeader(recordHeader.eventId)) continue
      const { bytes, headerStart, headerEnd } = cursor
      const id = bytes.toString('latin1', headerStart, headerEnd)
      if (id.startsWith(HEALED_PREFIX)) found.add(id)
    }
  }
  return found
}

/** Events under a plan that no lander works with yet would miss the tables that it has gained. */
async function refuseUnknownTables({ pipeline }: ReplayOptions, lake: Lake, plans: PlanFiles): Promise<void> {
  const isKnown = await loadDefinition(plans, pipeline.hash).then(
    () => true,
    (error: unknown) => {
      if (isLandfallError(error, 'lander/no-definition')) return false
      throw error
    },
  )
  const diffs = await diffTables(pipeline.tables, lake.catalog)
  const behind = diffs.find(({ change }) => change !== 'same' && change !== 'left')
  if (isKnown && behind === undefined) return
  const what = behind === undefined ? 'this definition' : `table ${behind.table} as this file has it`
  throw new LandfallError(
    'fix-config',
    'deadletters/not-taken-over',
    `the lander does not know ${what} yet, so healed events would miss it`,
    { hint: 'Restart the pipeline with this file (or run "landfall land FILE --once"), then replay' },
  )
}
