/** Knobs of the lake; the defaults suit batches of 10 s. Times in milliseconds, sizes in bytes. */
export interface LakeSettings {
  /** Attempts of one commit while only the metadata moved. */
  commitAttemptsMax: number
  /** Snapshots kept at most (older ones go with the next commit), beside those that a tag names. */
  snapshotsMax: number
  /** Maintenance lets go of snapshots older than this; the current one always stays. */
  snapshotAgeMs: number
  /** A file is unlinked when no kept snapshot has named it for so long. */
  graceMs: number
  /** Time between two searches for unreferenced files of one table. */
  sweepIntervalMs: number
  /** A data file of this size is large enough and is not compacted again. */
  targetBytes: number
  /** Files up to this size are the lowest tier. */
  smallBytes: number
  /** So many files of one tier are merged into one. */
  tierFilesMax: number
  /** Bytes that one round of compaction reads, about (64 MB are about a second of one core); two files always. */
  compactionBytesMax: number
  /** A partition whose time ended so long ago is settled: there two files of a tier are merged. */
  settledMs: number
}

export const defaultSettings: LakeSettings = {
  commitAttemptsMax: 100,
  snapshotsMax: 100,
  snapshotAgeMs: 3_600_000,
  graceMs: 15 * 60_000,
  sweepIntervalMs: 5 * 60_000,
  targetBytes: 128 * 1024 * 1024,
  smallBytes: 64 * 1024,
  tierFilesMax: 8,
  compactionBytesMax: 64 * 1024 * 1024,
  settledMs: 3_600_000,
}
