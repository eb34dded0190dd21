/**
 * What a query reads, fixed before it runs, so that its answer is consistent over all its tables and holds every event that
 * was acknowledged before the question was asked.
 *
 * 1. `events` is pinned first. It is committed last in each batch, so its position P proves every table up to P.
 * 2. Then the tables of the query, then E, the durable end of the log.
 * 3. The spool is read after that. Its chunks that follow P without a gap lead to F, the end of this answer (F = E unless the
 *    lander is behind). A spool that begins beyond P means that a batch was committed meanwhile: pin anew.
 * 4. Each table = its files ∪ the spool's rows from its own position on, to F. A table may already stand beyond P, in the middle
 *    of a batch: then it takes the chunks from there on. If no chunk begins exactly there (a lander was restarted and has not read
 *    as far again, or there is none), the table is read at its newest snapshot that P proves, with the chunks from P on. Where a stream
 *    has brought the table ahead, it is read at the newest snapshot of the stream: it holds all up to P, and some of what comes after.
 *    Without a spool on this machine (the lander is elsewhere) nobody is waited for: the answer reaches to P and says so.
 *    A table that is wanted as it was at a snapshot is its files then, and nothing else.
 * 5. The spool's files are kept by hard links. One that is gone means that the lander has moved on: pin anew.
 * 6. The snapshots' files are leased from storage until the query has ended. One that maintenance has unlinked meanwhile: pin anew.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { isLandfallError, LandfallError } from '../../../base/errors.ts'
import { type Lake, property, type TableState } from '../../../lake/lake.ts'
import { findSnapshot, type Snapshot } from '../../../lake/metadata.ts'
import { isOfStream } from '../../../lake/staged.ts'
import { SPOOLING_LANDER, type SpoolChunk, type SpoolManifest } from '../../../lander/spool.ts'
import { account } from '../../../ledger/account.ts'
import { type Reading, readTables } from '../../../ledger/ledger.ts'
import type { LogReader } from '../../../log/log.ts'
import { EVENTS_TABLE } from '../../../model/pipeline.ts'
import { type Position, parsePosition } from '../../../model/position.ts'
import type { LeasedFiles } from '../../../storage/storage.ts'
import type { Version } from '../../names/namespace.ts'
import type { Freshness } from '../../sql.ts'
import { behind, reaches, relationOf, samePlace } from './positions.ts'
import { atVersion, freshnessOf, type Then } from './snapshots.ts'
import type { PinnedSpoolFiles, SpoolReader } from './spool-reader.ts'

const ATTEMPTS_MAX = 40

/** A table, now or at a version. `id`: what it is known by in the answer of `pin`. */
export interface WantedTable {
  id: string
  table: string
  version?: Version
}

export interface PinnedTable {
  state: TableState
  /** Files for DuckDB to open: the snapshot's, then the spool's. */
  locations: string[]
}

export interface PinnedQuery {
  tables: Map<string, PinnedTable>
  freshness: Freshness
  /** The whole lake, at the same end and the same version of `events`; where that was asked for. */
  reading?: Reading
  /** Lets go of the files. */
  release(): void
}

/** Of a query that names no table. */
const NOTHING_READ: Freshness = { position: undefined, end: undefined, behind: false, batch: 0 }

export interface PinnerParts {
  lake: Lake
  log: LogReader | undefined
  spool: SpoolReader | undefined
  spoolWaitMs: number
}

/** The chunks that follow a position without a gap, and the positions at their borders: `borders[i]` is where chunk i begins. */
interface Tail {
  chunks: SpoolChunk[]
  borders: (Position | undefined)[]
}

/** A table at one snapshot, and the chunk from which on the spool adds to it. */
interface Choice {
  state: TableState
  snapshotId: bigint | undefined
  fromChunk: number
}

export class Pinner {
  readonly #parts: PinnerParts

  constructor(parts: PinnerParts) {
    this.#parts = parts
  }

  /**
   * Throws `sql/unknown-table` when a table is gone, `sql/unavailable` when the tables move faster than they can be pinned.
   * `withReading`: read what the ledger needs, too.
   */
  async pin(tables: readonly WantedTable[], signal: AbortSignal, withReading = false): Promise<PinnedQuery> {
    if (tables.length === 0 && !withReading)
      return { tables: new Map(), freshness: NOTHING_READ, release: () => {} }
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      signal.throwIfAborted()
      const pinned = await this.#tryPin(tables, signal, withReading, attempt === ATTEMPTS_MAX)
      if (pinned) return pinned
      await sleep(Math.min(attempt, 20))
    }
    throw new LandfallError(
      'retry',
      'sql/unavailable',
      `tables changed ${ATTEMPTS_MAX} times while they were pinned`,
    )
  }

  async #tryPin(
    wanted: readonly WantedTable[],
    signal: AbortSignal,
    withReading: boolean,
    last: boolean,
  ): Promise<PinnedQuery | undefined> {
    const { lake, log } = this.#parts
    // The order of a ledger: what is read later may only be further (ledger.ts).
    const start = withReading ? await log?.start() : undefined
    const events = await lake.load(EVENTS_TABLE.name)
    const all = start ? await readTables(lake) : []
    const states = await Promise.all(
      wanted.map(({ table }) =>
        table === EVENTS_TABLE.name
          ? events
          : (all.find((state) => state.name === table) ?? lake.load(table)),
      ),
    )
    const end = await log?.end()
    const reading =
      log && start && end
        ? { logId: log.id, consecutive: log.consecutive, start, events, tables: all, end }
        : undefined
    if (reading && !last && account(reading).moved) return undefined
    signal.throwIfAborted()
    const proved = events?.position
    const isOld = !withReading && wanted.every(({ version }) => version !== undefined)
    const committed = isOld || this.#parts.spool?.present !== true || !hasSpool(events)
    const manifest = committed ? undefined : await this.#manifest(end, signal)
    let tail = tailOf(manifest, proved)
    if (tail === 'moved-on') {
      if (!last) return undefined
      // A spool that stays beyond the tables is not theirs (a restored lake): answer from what is committed.
      tail = { chunks: [], borders: [proved] }
    }
    const choices = new Map<string, Choice>()
    const then: Then[] = []
    for (const [i, { id, table, version }] of wanted.entries()) {
      const state = states[i]
      if (!state)
        throw new LandfallError(
          'fix-request',
          'sql/unknown-table',
          `Table '${table}' does not exist any more`,
        )
      if (version === undefined) choices.set(id, choose(state, proved, tail))
      else {
        const old = atVersion(state, version)
        then.push(old)
        choices.set(id, { ...old, fromChunk: tail.chunks.length })
      }
    }
    const position = tail.borders.at(-1)
    const freshness: Freshness =
      isOld && then.length > 0
        ? freshnessOf(then)
        : {
            position,
            end: end ?? position,
            behind: !committed && end !== undefined && !reaches(position, end),
            batch: events?.batch ?? 0,
            ...(committed ? { committedAt: committedAt(events) } : {}),
          }
    const held = await this.#hold(choices, tail, freshness, signal, last)
    return held && { ...held, ...(reading ? { reading } : {}) }
  }

  async #manifest(end: Position | undefined, signal: AbortSignal): Promise<SpoolManifest | undefined> {
    const { spool, spoolWaitMs } = this.#parts
    if (!spool) return undefined
    const manifest = end ? await spool.waitFor(end, spoolWaitMs, signal) : spool.read()
    signal.throwIfAborted()
    return end && manifest?.logId !== end.logId ? undefined : manifest
  }

  async #hold(
    choices: Map<string, Choice>,
    tail: Tail,
    freshness: Freshness,
    signal: AbortSignal,
    last: boolean,
  ): Promise<PinnedQuery | undefined> {
    const spoolFiles = Array.from(choices.values(), ({ state, fromChunk }) =>
      tail.chunks.slice(fromChunk).flatMap((chunk) => chunk.files[state.name] ?? []),
    )
    const held = this.#pinSpool(spoolFiles.flat())
    if (!held) return undefined
    const leases: LeasedFiles[] = []
    const release = () => {
      held.release()
      for (const lease of leases) lease.release()
    }
    try {
      await this.#parts.spool?.check(spoolFiles.flat(), held, signal)
      const tables = new Map<string, PinnedTable>()
      let next = 0
      for (const [i, [name, choice]] of [...choices].entries()) {
        const count = spoolFiles[i]!.length
        const files =
          choice.snapshotId === undefined ? [] : await this.#parts.lake.files(choice.state, choice.snapshotId)
        const lease = await this.#parts.lake.lease(files, { signal })
        leases.push(lease)
        const locations = [...lease.locations, ...held.paths.slice(next, next + count)]
        tables.set(name, { state: choice.state, locations })
        next += count
      }
      return { tables, freshness, release }
    } catch (error) {
      release()
      if (isLandfallError(error, 'storage/not-found') && !last) return undefined
      throw error
    }
  }

  #pinSpool(files: string[]): PinnedSpoolFiles | undefined {
    if (files.length === 0) return { paths: [], release: () => {} }
    return this.#parts.spool!.pin(files)
  }
}

function committedAt(events: TableState | undefined): number | null {
  return (events && findSnapshot(events.metadata)?.['timestamp-ms']) ?? null
}

function tailOf(manifest: SpoolManifest | undefined, proved: Position | undefined): Tail | 'moved-on' {
  if (!manifest || (proved && manifest.logId !== proved.logId)) return { chunks: [], borders: [proved] }
  if (proved && !reaches(proved, manifest.start)) return 'moved-on'
  let at: Position = { logId: manifest.logId, next: { ...manifest.start.next, ...proved?.next } }
  const tail: Tail = { chunks: [], borders: [at] }
  for (const chunk of manifest.chunks) {
    const relation = relationOf(chunk, at)
    if (relation === 'before') continue
    if (relation === 'apart') break
    at = behind(chunk, at)
    tail.chunks.push(chunk)
    tail.borders.push(at)
  }
  return tail
}

function choose(state: TableState, proved: Position | undefined, tail: Tail): Choice {
  const current = state.metadata['current-snapshot-id']
  if (reaches(proved, state.position)) return { state, snapshotId: current, fromChunk: 0 }
  const border = tail.borders.findIndex((border) => samePlace(border, state.position))
  if (border >= 0) return { state, snapshotId: current, fromChunk: border }
  return { state, snapshotId: newestProved(state, proved), fromChunk: 0 }
}

/** Unless a swap has put a lander in charge that writes none: waiting for what it left would be for nothing. */
function hasSpool(events: TableState | undefined): boolean {
  return (events?.metadata.properties[property.lander] ?? SPOOLING_LANDER) === SPOOLING_LANDER
}

/** The newest snapshot, back from the current one, whose position `proved` reaches, or that a stream has made; undefined when the table was empty then. */
function newestProved(state: TableState, proved: Position | undefined): bigint | undefined {
  const byId = new Map<bigint, Snapshot>(
    state.metadata.snapshots.map((snapshot) => [snapshot['snapshot-id'], snapshot]),
  )
  let id = state.metadata['current-snapshot-id']
  while (id !== undefined) {
    const snapshot = byId.get(id)
    if (!snapshot) {
      throw new LandfallError(
        'retry',
        'sql/unavailable',
        `table ${state.name} stands ahead of events and its older snapshot has expired`,
        {
          hint: 'Start the lander: it finishes the batch it was in',
        },
      )
    }
    const text = snapshot.summary[property.position]
    if (text !== undefined && reaches(proved, parsePosition(text))) return id
    // It has all that lies before it, and landers leave that out of what comes after.
    if (isOfStream(snapshot)) return id
    id = snapshot['parent-snapshot-id']
  }
  return undefined
}
