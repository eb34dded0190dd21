/** One look at the flow: log, tables and what the processes publish. Wakes no engine. */
import { formatError } from '../base/errors.ts'
import type { Refusals } from '../collector/refusals-file.ts'
import type { Lake } from '../lake/lake.ts'
import type { LanderStatus } from '../lander/status.ts'
import { type Ledger, readLedger } from '../ledger/ledger.ts'
import type { LogReader } from '../log/log.ts'
import { covers, type Position } from '../model/position.ts'
import type { CommitSpan, Flow, LedgerSum, Refusal } from './messages.ts'
import { totalOf } from './rates.ts'
import { type FlowSources, isAlive, type RunningProcesses } from './sources.ts'

/** A commit that comes after a pause tells of the last seconds, not of the pause. */
const SPAN_MS = 15_000
/** What the page draws. A pipeline may keep snapshots for days, and each message has all of these. */
const COMMITS_MS = 15 * 60_000
const COMMITS_MAX = 300
/** Reads of the tables: each of a commit, and of what came meanwhile so often. */
const LEDGER_EVERY_MS = 1000
const LEDGER_EVERY_REMOTE_MS = 10_000
const FINDINGS_MAX = 5
/** A lander gathers a batch for 10 s; one whose oldest event has waited so long stands still. */
const STALLED_S = 30

export interface LookParts {
  log: LogReader
  lake: Lake
  topic: string
  sources: FlowSources
}

/** What one look saw, before anything is judged. */
export interface Sight {
  at: number
  figures: Omit<Flow, 'levels' | 'problems'>
  unreadable: string | undefined
}

export class Looker {
  readonly #parts: LookParts
  #ledger: Ledger | undefined
  #read: { at: number; end: Position; batch: number | undefined } | undefined
  #unreadable: string | undefined

  constructor(parts: LookParts) {
    this.#parts = parts
  }

  async look(): Promise<Sight> {
    const { log, topic, sources } = this.#parts
    const [start, lander, refused] = await Promise.all([log.start(), sources.lander(), sources.refusals()])
    await this.#readLedger(lander)
    const end = await log.end()
    const at = Date.now()
    const ledger = this.#ledger
    const refusals = refusalsOf(refused)
    const committed = ledger === undefined ? undefined : positionOf(ledger)
    const records = sumOf(end) - sumOf(start)
    const up = sources.processes()
    const pendingS = await this.#waitingS(committed, end, at)
    // A lander that follows makes a chunk of what is there when a question asks for it.
    const answers = sources.spool && pendingS < STALLED_S && isLanderAlive(up, lander)
    const behindS = answers
      ? 0
      : await this.#waitingS(visiblePosition(lander, committed, sources.spool), end, at)
    const pending = committed === undefined ? records : Math.max(0, sumOf(end) - sumOf(committed))
    return {
      at,
      unreadable: this.#unreadable,
      figures: {
        processes: processesOf(up),
        door: {
          url: up?.http ?? null,
          rate: null,
          refused: totalOf(refusals),
          refusals,
        },
        log: {
          topic,
          records,
          start: sumOf(start),
          end: sumOf(end),
          partitions: Object.keys(end.next).length,
        },
        lander: {
          batch: Math.max(ledger?.batch ?? 0, lander?.batch ?? 0),
          pending,
          pendingS,
          error: lander?.error ?? null,
        },
        lake: lakeOf(ledger),
        sql: { behindS, spool: sources.spool },
        disk: sources.disk() ?? null,
        ledger: ledger === undefined ? null : sumUp(ledger),
        commits: spansOf(ledger, at),
      },
    }
  }

  /** The tables are read when something was committed, or something came in since and it is time. */
  async #readLedger(lander: LanderStatus | undefined): Promise<void> {
    const { log, lake, sources } = this.#parts
    const end = await log.end()
    const before = this.#read
    const every = sources.remote ? LEDGER_EVERY_REMOTE_MS : LEDGER_EVERY_MS
    const sameBatch = before?.batch === lander?.batch && (lander !== undefined || !this.#isDue(every))
    const sameEnd = before !== undefined && covers(before.end, end)
    if (
      before !== undefined &&
      this.#unreadable === undefined &&
      sameBatch &&
      (sameEnd || !this.#isDue(every))
    )
      return
    this.#read = { at: Date.now(), end, batch: lander?.batch }
    try {
      // Where offsets may have no record, what waits is counted in offsets: reading it each time would be a consumer more.
      this.#ledger = await readLedger({ log, lake, pendingReadMax: 0 })
      this.#unreadable = undefined
    } catch (error) {
      this.#unreadable = formatError(error)
    }
  }

  #isDue(every: number): boolean {
    return Date.now() - (this.#read?.at ?? 0) >= every
  }

  /** Seconds since the first record behind a position was received; 0 when there is none. */
  async #waitingS(position: Position | undefined, end: Position, at: number): Promise<number> {
    if (position !== undefined && covers(position, end)) return 0
    try {
      const from = position === undefined ? {} : { from: position }
      for await (const batch of this.#parts.log.read({ ...from, follow: false, batchBytesMax: 1 })) {
        const first = batch.records[0]
        if (first !== undefined) return Math.max(0, Math.round((at - first.receivedAt / 1000) / 100) / 10)
      }
    } catch {
      // Retention may have passed it, or it is of another log: the ledger says so.
    }
    return 0
  }
}

function sumOf({ next }: Position): number {
  return Object.values(next).reduce((sum, offset) => sum + offset, 0)
}

function positionOf({ logId, partitions }: Ledger): Position {
  return { logId, next: Object.fromEntries(partitions.map((of) => [of.partition, of.position])) }
}

/** A status of a lander that has ended, or of another log, says less than the tables do. */
function visiblePosition(
  lander: LanderStatus | undefined,
  committed: Position | undefined,
  spool: boolean,
): Position | undefined {
  if (!spool || lander === undefined) return committed
  if (committed === undefined) return lander.spooled
  return lander.spooled.logId === committed.logId && covers(lander.spooled, committed)
    ? lander.spooled
    : committed
}

/** Where each stage runs alone, its own last word tells. */
function isLanderAlive(up: RunningProcesses | undefined, lander: LanderStatus | undefined): boolean {
  const pid = up === undefined ? lander?.pid : up.processes.lander
  return pid !== undefined && isAlive(pid)
}

function processesOf(up: RunningProcesses | undefined): Flow['processes'] {
  if (up === undefined) return null
  const of = (pid: number | undefined) => ({ pid: pid ?? 0, alive: pid !== undefined && isAlive(pid) })
  const { door, lander, query } = up.processes
  return { door: of(door), lander: of(lander), query: of(query) }
}

function refusalsOf(refusals: Refusals | undefined): Refusal[] {
  return (refusals?.refused ?? [])
    .map(({ reason, status, requests, events }) => ({ reason, status, count: requests + events }))
    .toSorted((a, b) => b.count - a.count)
}

function lakeOf(ledger: Ledger | undefined): Flow['lake'] {
  const tables = ledger?.tables ?? []
  const times = tables.flatMap(({ committedAt }) => (committedAt === null ? [] : [Date.parse(committedAt)]))
  return {
    tables: tables.length,
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    files: tables.reduce((sum, { files }) => sum + files, 0),
    committedAt: times.length === 0 ? null : Math.max(...times),
  }
}

function sumUp({ closes, total, findings }: Ledger): LedgerSum {
  return { closes, ...total, findings: findings.slice(0, FINDINGS_MAX).map(({ message }) => message) }
}

export function spansOf(ledger: Pick<Ledger, 'commits'> | undefined, at: number): CommitSpan[] {
  const commits = (ledger?.commits ?? []).filter(({ table }) => table === 'events')
  let before = Number.NEGATIVE_INFINITY
  const spans = commits.map(({ batch, committedAt, ranges }) => {
    const to = Date.parse(committedAt)
    const from = Math.max(before, to - SPAN_MS)
    before = to
    const sum = (name: 'landed' | 'dead' | 'duplicate') =>
      ranges.reduce((total, range) => total + range[name], 0)
    return { batch, from, to, landed: sum('landed'), dead: sum('dead'), duplicate: sum('duplicate') }
  })
  return spans.filter(({ to }) => to > at - COMMITS_MS).slice(-COMMITS_MAX)
}
