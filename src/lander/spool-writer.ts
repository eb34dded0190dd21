/** The lander's side of the spool (its format: spool.ts). Nothing here is synced: after a crash it is made anew from the log. */
import { mkdir, readdir, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { sealJson } from '../base/sealed-json.ts'
import type { TableState } from '../lake/lake.ts'
import { type ParquetFile, parquetLayout, writeParquet } from '../lake/parquet.ts'
import type { Position } from '../model/position.ts'
import type { ChunkCounts } from './judge/judge.ts'
import { type SpoolManifest, spoolPaths } from './spool.ts'

/** A chunk whose rows are typed and in files, one list per table that has rows. */
export interface JudgedChunk {
  id: string
  ranges: Record<number, { from: number; to: number }>
  counts: ChunkCounts
  files: Map<string, ParquetFile[]>
  rows: number
  bytes: number
}

/**
 * A row group is gathered, encoded and compressed as one: of this size it does so in the processor's cache and not in new memory,
 * which takes a quarter less time for long rows. Compaction makes large ones of them.
 */
const ROW_GROUP_ROWS = 20_480
/** Batches whose chunks stay readable after they are committed, for queries that pinned their tables before. */
const BATCHES_KEPT = 2

export class SpoolWriter {
  readonly #directory: string
  readonly #logId: string
  #epoch = 0
  #chunkCount = 0
  #start: Position
  #end: Position
  /** Chunks of batches that are committed, oldest first, then those that are not. */
  #batches: { chunks: JudgedChunk[]; to: Position }[] = []
  #open: JudgedChunk[] = []
  #published: Promise<void> = Promise.resolve()

  constructor(directory: string, logId: string) {
    this.#directory = directory
    this.#logId = logId
    this.#start = { logId, next: {} }
    this.#end = this.#start
  }

  get end(): Position {
    return this.#end
  }

  /** Where scratch files may be made. */
  get directory(): string {
    return this.#directory
  }

  /** Begins anew at the committed position, under a new epoch. */
  async reset(position: Position, epoch: number): Promise<void> {
    this.#epoch = epoch
    this.#start = position
    this.#end = position
    this.#batches = []
    this.#open = []
    await mkdir(join(this.#directory, spoolPaths.chunks), { recursive: true })
    // First the manifest, then the files: a reader never finds a name whose file is gone for longer than it takes to look again.
    await this.#publish()
    for (const name of await readdir(join(this.#directory, spoolPaths.chunks))) {
      await rm(join(this.#directory, spoolPaths.chunks, name), { recursive: true, force: true })
    }
  }

  /** Id for a chunk's files: never used before, also not by an earlier lander. */
  nextId(): string {
    this.#chunkCount += 1
    return `${this.#epoch}-${this.#chunkCount}`
  }

  /** Writes one table's rows of the chunk that is judged now. */
  async write(
    connection: DuckDBConnection,
    id: string,
    state: TableState,
    select: string,
  ): Promise<ParquetFile[]> {
    const directory = join(this.#directory, spoolPaths.chunks)
    const layout = { ...parquetLayout(state), rowGroupRows: ROW_GROUP_ROWS }
    return writeParquet(connection, layout, select, directory, `${id}-${state.name}`)
  }

  /** Makes a chunk visible to queries. */
  async add(chunk: JudgedChunk): Promise<void> {
    this.#open.push(chunk)
    this.#end = { logId: this.#logId, next: { ...this.#end.next, ...endsOf(chunk) } }
    await this.#publish()
  }

  /** The chunks were committed as one batch, up to `to`. Lets go of what is older than the last two batches. */
  async committed(chunks: readonly JudgedChunk[], to: Position): Promise<void> {
    this.#open = this.#open.filter((chunk) => !chunks.includes(chunk))
    this.#batches.push({ chunks: [...chunks], to })
    const gone: JudgedChunk[] = []
    while (this.#batches.length > BATCHES_KEPT) {
      const oldest = this.#batches.shift()!
      this.#start = oldest.to
      gone.push(...oldest.chunks)
    }
    if (gone.length === 0) return
    await this.#publish()
    for (const file of gone.flatMap((chunk) => [...chunk.files.values()].flat())) {
      await unlink(file.location).catch(() => {})
    }
  }

  /** One manifest after the other: a chunk may be added while a batch is being committed, and both write the same file. */
  #publish(): Promise<void> {
    const published = this.#published.then(() => this.#replaceManifest())
    this.#published = published.catch(() => {})
    return published
  }

  async #replaceManifest(): Promise<void> {
    const manifest: SpoolManifest = {
      version: 1,
      logId: this.#logId,
      epoch: this.#epoch,
      start: this.#start,
      end: this.#end,
      chunks: [...this.#batches.flatMap((batch) => batch.chunks), ...this.#open].map((chunk) => ({
        id: chunk.id,
        ranges: chunk.ranges,
        files: Object.fromEntries(
          [...chunk.files].map(([table, files]) => [
            table,
            files.map((file) => file.location.slice(this.#directory.length + 1)),
          ]),
        ),
        counts: sumCounts(chunk.counts),
      })),
    }
    const path = join(this.#directory, spoolPaths.manifest)
    await writeFile(`${path}.tmp`, sealJson(JSON.stringify(manifest)))
    await rename(`${path}.tmp`, path)
  }
}

export function endsOf(chunk: Pick<JudgedChunk, 'ranges'>): Record<number, number> {
  return Object.fromEntries(Object.entries(chunk.ranges).map(([partition, { to }]) => [partition, to]))
}

export function sumCounts(counts: ChunkCounts): ChunkCounts[number] {
  const sum = { records: 0, landed: 0, dead: 0, duplicate: 0 }
  for (const count of Object.values(counts)) {
    sum.records += count.records
    sum.landed += count.landed
    sum.dead += count.dead
    sum.duplicate += count.duplicate
  }
  return sum
}
