/**
 * The ids of the duplicates window: the latest in a table in memory, the others in runs on disk, which a filter in memory guards. So
 * memory is bounded, nothing is forgotten inside the window, and an id that was never seen costs no read nearly always.
 *
 * - A full table is frozen, and written out as a run beside what lands; a new one takes its place at once.
 * - A run is **registered** (named by the manifest, merged) when everything in it is committed: what was noted and never committed may
 *   be judged otherwise by another definition, and must not outlive the process.
 * - Four registered runs of about one size become one. A run goes when all of it is older than the window.
 */
import { unlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { isLandfallError, systemCode } from '../../base/errors.ts'
import { makeDirectory, syncDirectory } from '../../base/files.ts'
import { covers, type Position } from '../../model/position.ts'
import type { LanderLogger } from '../logger.ts'
import type { Floors } from './floors.ts'
import { IdTable, tableIdsMax } from './id-table.ts'
import { removeOthers, saveManifest } from './ids-manifest.ts'
import { openKeptRuns } from './kept-runs.ts'
import { randomSeed, type Seed } from './prints.ts'
import type { Run, RunFacts, WantedId } from './run.ts'
import { mergeRuns, writeTable } from './run-writer.ts'

/** Runs of about one size that become one; the next size is as much larger. */
const FANOUT = 4
const RETRY_MS = 1000

export interface IdStoreParts {
  directory: string
  logId: string
  /** UUID of the table `events`. */
  table: string
  windowMicros: number
  floors: Floors
  /** A quarter for the table, half as much again while one is written out, five eighths for the filters. */
  memoryBytes: number
  logger: LanderLogger
}

/** A full table that is being written out. */
interface FrozenTable {
  table: IdTable
  /** Every first record before it is in this table or in an earlier one. */
  complete: Record<number, number>
  /** Everything in the table is before it. */
  next: Record<number, number>
  receivedMax: Record<number, number>
}

interface HeldRun {
  run: Run
  /** What the ids are complete for as soon as this run is registered; undefined when it is. */
  complete: Record<number, number> | undefined
}

class Closed extends Error {}

export class IdStore {
  readonly seed: Seed
  /** The runs have every first record before it. */
  position: Position
  table: IdTable
  frozen: readonly FrozenTable[] = []
  runs: readonly HeldRun[] = []
  readonly #parts: IdStoreParts
  readonly #tableIdsMax: number
  #nextRun: number
  #committed: Position
  /** The manifest does not say what is so. */
  #isStale = false
  #closed = false
  /** One table after the other is written out; beside it, one at a time, manifests and merges. */
  #spilling: Promise<void> = Promise.resolve()
  #upkeep: Promise<void> = Promise.resolve()
  /** A mistake of ours in the background: landing must not go on. */
  #failure: unknown
  /** What the tables have is being added: no run is complete for anything before that is done. */
  #isFilling = true
  readonly #lookups = new Set<Promise<void>>()

  private constructor(parts: IdStoreParts, seed: Seed, position: Position, runs: Run[], committed: Position) {
    this.#parts = parts
    this.seed = seed
    this.position = position
    this.runs = runs.map((run) => ({ run, complete: undefined }))
    this.#committed = committed
    this.#tableIdsMax = tableIdsMax(parts.memoryBytes / 4)
    this.#nextRun = Math.max(0, ...runs.map(({ facts }) => facts.number)) + 1
    this.table = new IdTable(parts.floors)
  }

  /**
   * Opens the runs that an earlier lander left, as far as they tell the truth about what is committed now; ids behind `position` are to be
   * added then. What does not fit, or is damaged, is removed: nothing is lost by it but time.
   */
  static async open(parts: IdStoreParts, committed: Position): Promise<IdStore> {
    const { directory, logId } = parts
    await makeDirectory(directory)
    const kept = await openKeptRuns(parts, committed)
    await removeOthers(directory, kept?.manifest.runs ?? [])
    if (kept === undefined) return new IdStore(parts, randomSeed(), { logId, next: {} }, [], committed)
    const { manifest, runs } = kept
    const store = new IdStore(parts, manifest.seed, manifest.position, runs, committed)
    // A window that is shorter now lets go of ids that the old one, if it comes back, would need.
    store.#isStale = manifest.windowMicros !== parts.windowMicros
    store.#fitFilters()
    return store
  }

  get ids(): number {
    return this.frozen.reduce((sum, { table }) => sum + table.size, this.table.size) + this.spilled
  }

  /** How many of the ids are on disk. */
  get spilled(): number {
    return this.runs.reduce((sum, { run }) => sum + run.facts.entries, 0)
  }

  get bytes(): number {
    const tables = this.frozen.reduce((sum, { table }) => sum + table.bytes, this.table.bytes)
    return this.runs.reduce((sum, { run }) => sum + run.bytes, tables)
  }

  get isFull(): boolean {
    return this.table.size >= this.#tableIdsMax
  }

  /** Whether the print may be in a frozen table or in a run. */
  hasElsewhere(high: number, low: number, partition: number): boolean {
    for (const { table } of this.frozen) if (table.has(high, low, partition)) return true
    for (const { run } of this.runs) if (run.filter.has(high, low)) return true
    return false
  }

  /**
   * Freezes the table and begins to write it out. `complete`: every first record before it has been added; `next`: nothing at or behind
   * it has.
   */
  freeze(complete: Record<number, number>, next: Record<number, number>): void {
    const { floors } = this.#parts
    const { receivedMax } = floors
    this.frozen = [
      ...this.frozen,
      { table: this.table, complete: { ...complete }, next: { ...next }, receivedMax },
    ]
    this.table = new IdTable(floors)
    this.#spilling = this.#spilling.then(() => this.#spill())
  }

  /** What the tables have before `position` is added, so runs tell the truth from here on. */
  async filled(position: Position): Promise<void> {
    const isUnnamed = ({ complete }: HeldRun) => complete !== undefined
    // What took long to read back must not be read again at the next start.
    if (this.runs.some(isUnnamed) || this.frozen.length > 0 || this.table.size >= this.#tableIdsMax / 2) {
      this.freeze(position.next, position.next)
      await this.#spilling
      for (const held of this.runs.filter(isUnnamed)) held.complete = { ...position.next }
    }
    this.#isFilling = false
    this.committed(position)
  }

  /** Resolves when there is room for the ids of another chunk: while a table is written out, the next one fills to its half only. */
  async room(): Promise<void> {
    if (this.frozen.length > 0 && this.table.size >= this.#tableIdsMax / 2) await this.#spilling
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Looks everywhere, at once in memory, then on disk: what is written out meanwhile is found nevertheless. */
  async find(wanted: readonly WantedId[]): Promise<void> {
    for (const id of wanted) this.findInMemory(id)
    const { floors } = this.#parts
    const lookup = Promise.all(this.runs.map(({ run }) => run.find(wanted))).then(() => {})
    this.#lookups.add(lookup)
    try {
      await lookup
    } finally {
      this.#lookups.delete(lookup)
    }
    for (const id of wanted) id.offsets = id.offsets.filter((offset) => offset >= floors.of(id.partition))
  }

  findInMemory({ high, low, partition, before, offsets }: WantedId): void {
    this.table.find(high, low, partition, before, offsets)
    for (const { table } of this.frozen) table.find(high, low, partition, before, offsets)
  }

  /** Everything before `position` is committed: runs may be registered, and let go of. */
  committed(position: Position): void {
    this.#committed = position
    if (this.#isStale || this.runs.some((held) => this.#isReady(held) || this.#isOld(held.run.facts)))
      this.#tidySoon()
  }

  /** Resolves when there is nothing more to write or to merge. */
  async settled(): Promise<void> {
    await this.#spilling
    await this.#upkeep
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.settled()
    await Promise.allSettled(this.#lookups)
    for (const { run } of this.runs) await run.close()
    this.runs = []
  }

  /** Writes out the oldest frozen table, however long the disk is full: until then landing waits when the next table fills. */
  async #spill(): Promise<void> {
    const { table, complete, next, receivedMax } = this.frozen[0]!
    while (!this.#closed) {
      try {
        const run = await writeTable(table, this.#newRun({ next, receivedMax }))
        // One step: at any moment an id is in the table or behind the filter.
        this.frozen = this.frozen.slice(1)
        if (run !== undefined) this.runs = [...this.runs, { run, complete }]
        this.#fitFilters()
        return this.#tidySoon()
      } catch (error) {
        if (error instanceof Closed) return
        if (systemCode(error) === undefined) {
          this.#failure = error
          return
        }
        this.#parts.logger.warn({ err: error }, 'ids could not be written to disk; trying again')
        await sleep(RETRY_MS)
      }
    }
  }

  /** What fails in it loses nothing: it is tried again after the next batch. */
  #tidySoon(): void {
    this.#upkeep = this.#upkeep
      .then(() => this.#tidy())
      .catch((error: unknown) => {
        this.#isStale = true
        if (isLandfallError(error, 'lander/ids-damaged')) this.#failure = error
        if (error instanceof Closed) return
        this.#parts.logger.warn(
          { err: error },
          'the ids on disk could not be brought up to date; tried again',
        )
      })
  }

  /** Registers what is committed, lets go of what is old, merges what is many. */
  async #tidy(): Promise<void> {
    if (this.#closed || this.#isFilling) return
    for (const held of this.runs) if (this.#isReady(held)) this.#register(held)
    const old = this.runs.filter(({ run }) => this.#isOld(run.facts))
    if (old.length > 0) {
      this.runs = this.runs.filter((held) => !old.includes(held))
      this.#isStale = true
    }
    if (this.#isStale) await this.#save()
    await this.#remove(old)
    for (let some = this.#crowded(); some !== undefined; some = this.#crowded()) await this.#merge(some)
  }

  async #merge(some: readonly HeldRun[]): Promise<void> {
    const facts = some.map(({ run }) => run.facts)
    const made = this.#newRun({
      next: greatest(facts.map(({ next }) => next)),
      receivedMax: greatest(facts.map(({ receivedMax }) => receivedMax)),
    })
    const run = await mergeRuns(
      some.map((held) => held.run),
      this.#parts.floors,
      made,
    )
    const others = this.runs.filter((held) => !some.includes(held))
    this.runs = run === undefined ? others : [{ run, complete: undefined }, ...others]
    this.#isStale = true
    this.#fitFilters()
    await this.#save()
    await this.#remove(some)
  }

  #newRun(facts: Omit<RunFacts, 'entries' | 'number'>) {
    const checkpoint = () => {
      if (this.#closed) throw new Closed()
    }
    const { directory } = this.#parts
    return { directory, facts: { number: this.#nextRun++, ...facts }, checkpoint }
  }

  #isReady({ run, complete }: HeldRun): boolean {
    return (
      !this.#isFilling &&
      complete !== undefined &&
      covers(this.#committed, { logId: this.#parts.logId, next: run.facts.next })
    )
  }

  #register(held: HeldRun): void {
    this.position = { logId: this.#parts.logId, next: greatest([this.position.next, held.complete!]) }
    held.complete = undefined
    this.#isStale = true
  }

  #isOld({ next }: RunFacts): boolean {
    const { floors } = this.#parts
    return Object.entries(next).every(([partition, to]) => to <= floors.of(Number(partition)))
  }

  /** Registered runs of about one size that are too many. */
  #crowded(): HeldRun[] | undefined {
    const bySize = new Map<number, HeldRun[]>()
    for (const held of this.runs) {
      if (held.complete !== undefined) continue
      const size = Math.max(
        0,
        Math.floor(Math.log(held.run.facts.entries / this.#tableIdsMax) / Math.log(FANOUT)),
      )
      const same = bySize.get(size) ?? []
      bySize.set(size, [...same, held])
      if (same.length + 1 === FANOUT) return bySize.get(size)
    }
    return undefined
  }

  async #save(): Promise<void> {
    const { directory, table, windowMicros } = this.#parts
    const runs = this.runs.filter(({ complete }) => complete === undefined).map(({ run }) => run.facts)
    await syncDirectory(directory)
    await saveManifest(directory, { seed: this.seed, table, position: this.position, windowMicros, runs })
    this.#isStale = false
  }

  /** After the manifest names them no more. Who still looks something up in them comes to an end first. */
  async #remove(held: readonly HeldRun[]): Promise<void> {
    if (held.length === 0) return
    await Promise.allSettled(this.#lookups)
    for (const { run } of held) {
      await run.close()
      await unlink(run.file.path)
    }
  }

  /** The filter with the most bytes per id is made smaller until all of them have room. */
  #fitFilters(): void {
    const bytesMax = (this.#parts.memoryBytes / 8) * 5
    for (;;) {
      const bytes = this.runs.reduce((sum, { run }) => sum + run.filter.bytes, 0)
      const foldable = this.runs.filter(({ run }) => run.filter.isFoldable)
      if (bytes <= bytesMax || foldable.length === 0) return
      const perId = ({ run }: HeldRun) => run.filter.bytes / run.facts.entries
      foldable.reduce((most, held) => (perId(held) > perId(most) ? held : most)).run.filter.fold()
    }
  }
}

function greatest(nexts: readonly Record<number, number>[]): Record<number, number> {
  const most: Record<number, number> = {}
  for (const next of nexts) {
    for (const [partition, value] of Object.entries(next)) {
      most[Number(partition)] = Math.max(value, most[Number(partition)] ?? 0)
    }
  }
  return most
}
