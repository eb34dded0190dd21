/** Settings of the lander, with their defaults. Times in milliseconds, sizes in bytes of event JSON unless said otherwise. */
export interface LanderSettings {
  /** A batch is committed at latest when its oldest event has waited this long … */
  batchAgeMs: number
  /** … or it holds this much … */
  batchBytes: number
  /** … or this many records … */
  batchRows: number
  /** … or no event has come for this long and some are waiting. */
  idleMs: number
  /** A chunk (one pass of the judge, one file per table in the spool) holds at most this much. */
  chunkBytes: number
  /** How often the spool's `ask` is looked at beside the file system's own notice. */
  askPollMs: number
  /** DuckDB's memory. */
  memoryBytes: number
  /**
   * DuckDB's threads within one statement. Filling, judging, writing and committing go on at once as it is, and
   * more threads per statement took a third more CPU for the same chunk.
   */
  threads: number
  /**
   * Chunk files at least this large become data files as they are; smaller ones of a batch are merged first. Compaction, which merges
   * eight, makes less work of those in between than landing, which merges the few of one batch.
   */
  adoptBytes: number
  /** A commit that failed is tried again after this long, then after twice as long, and so on. */
  retryMs: number
  /** Memory of the ids of the duplicates window, at most; those that have no room are on disk (docs/formats/ids.md). */
  idsMemoryBytes: number
  /** Below this share of free disk the spool and compaction stop … */
  reserveSpool: number
  /** … and below this one commits stop too. */
  reserveCommit: number
  /** When told to stop, pending events are landed if that is likely done within this time; else the log keeps them. */
  graceMs: number
  /** Compaction and clean-up of tables between batches. */
  maintain: boolean
}

export const LANDER_DEFAULTS: LanderSettings = {
  batchAgeMs: 10_000,
  batchBytes: 64 * 1024 * 1024,
  batchRows: 500_000,
  idleMs: 2_000,
  chunkBytes: 16 * 1024 * 1024,
  askPollMs: 1_000,
  memoryBytes: 512 * 1024 * 1024,
  threads: 1,
  adoptBytes: 128 * 1024,
  retryMs: 100,
  idsMemoryBytes: 256 * 1024 * 1024,
  reserveSpool: 0.05,
  reserveCommit: 0.01,
  graceMs: 5_000,
  maintain: true,
}
