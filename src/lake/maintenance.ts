import type { DuckDBConnection } from '@duckdb/node-api'
import { isLandfallError, LandfallError } from '../base/errors.ts'
import type { TableVersion } from '../catalog/catalog.ts'
import { planCompaction } from './compaction.ts'
import { trimRefs, trimSnapshots } from './expire.ts'
import {
  type DataFile,
  type MaintenanceOptions,
  type MaintenanceReport,
  property,
  type TableState,
} from './lake.ts'
import type { ManifestEntry } from './manifest.ts'
import { findSnapshot, type MetadataUpdate } from './metadata.ts'
import { readParquet } from './parquet.ts'
import { quoteName } from './schema.ts'
import type { Change } from './snapshot.ts'
import { Sweeper } from './sweep.ts'
import { checkConsistent, tableState } from './table-state.ts'
import type { TableWriter } from './table-writer.ts'

/**
 * Keeps tables small to read and bounded on disk: compaction, snapshot expiry, removal of what nothing names. None of it
 * moves a position: a compaction copies our keys from the base of each of its attempts.
 */
export class Maintenance {
  readonly #writer: TableWriter
  readonly #sweeper: Sweeper

  constructor(writer: TableWriter) {
    this.#writer = writer
    this.#sweeper = new Sweeper(writer.storage, writer.files)
  }

  async run(
    connection: DuckDBConnection,
    table: string,
    options: MaintenanceOptions,
  ): Promise<MaintenanceReport> {
    const report = { table, compactedFiles: 0, writtenFiles: 0, expiredSnapshots: 0, removedFiles: 0 }
    let budget = this.#writer.settings.compactionBytesMax
    while (budget > 0 && options.signal?.aborted !== true) {
      const done = await this.#compact(connection, table, budget)
      if (done === undefined) break
      report.compactedFiles += done.inputs
      report.writtenFiles += done.outputs
      budget -= done.bytes
    }
    report.expiredSnapshots = await this.#expire(table)
    if (options.signal?.aborted !== true) report.removedFiles = await this.#sweep(table, options)
    return report
  }

  /** Merges one group of small files; undefined when there is none, or when one of them is not live any more. */
  async #compact(
    connection: DuckDBConnection,
    table: string,
    bytesMax: number,
  ): Promise<{ inputs: number; outputs: number; bytes: number } | undefined> {
    const writer = this.#writer
    const state = tableState(await writer.present(table))
    const live = await writer.files.liveEntries(state.metadata, findSnapshot(state.metadata))
    const inputs = planCompaction(state.metadata, live, writer.settings, writer.nowMs(), bytesMax)
    if (inputs === undefined) return undefined
    const outputs = await this.#merge(connection, state, inputs)
    try {
      if (!(await this.#replace(table, inputs, outputs))) {
        await writer.discard(outputs)
        return undefined
      }
    } catch (error) {
      if (!isLandfallError(error, 'catalog/unknown-outcome')) await writer.discard(outputs)
      throw error
    }
    writer.committed(outputs)
    const bytes = inputs.reduce((total, entry) => total + entry.file.bytes, 0)
    return { inputs: inputs.length, outputs: outputs.length, bytes }
  }

  async #merge(
    connection: DuckDBConnection,
    state: TableState,
    inputs: readonly ManifestEntry[],
  ): Promise<DataFile[]> {
    const { files } = this.#writer
    // Checked like any other reading: damage must not become a new file with a checksum that fits.
    const leased = await files.lease(
      inputs.map(({ file }) => ({ path: files.path(file.url), bytes: file.bytes })),
    )
    try {
      const columns = state.schema.fields.map((field) => quoteName(field.name)).join(', ')
      const select = `SELECT ${columns} FROM ${readParquet(state.schema, leased.locations)}`
      return await this.#writer.writeFiles(connection, state, select)
    } finally {
      leased.release()
    }
  }

  /** Commits the exchange; false when an input is not live any more. */
  async #replace(table: string, inputs: ManifestEntry[], outputs: DataFile[]): Promise<boolean> {
    checkSameRows(table, inputs, outputs)
    const remove = new Set(inputs.map((entry) => entry.file.url))
    let replaced = true
    await this.#writer.update(table, async (base) => {
      checkConsistent(base)
      const change: Change = {
        operation: 'replace',
        add: outputs,
        remove,
        summary: ourSummary(base),
        properties: {},
      }
      const staged = await this.#writer.stage(base, change)
      replaced = staged !== undefined
      return staged
    })
    return replaced
  }

  /** Lets go of tags and snapshots beyond their age, in one commit; returns how many snapshots. */
  async #expire(table: string): Promise<number> {
    const { settings } = this.#writer
    let removed: bigint[] = []
    await this.#writer.update(table, async ({ metadata }) => {
      const now = this.#writer.nowMs()
      const retention = { max: settings.snapshotsMax, before: now - settings.snapshotAgeMs }
      const named = trimRefs(metadata, now)
      const trimmed = trimSnapshots(named.metadata, retention)
      removed = trimmed.removed
      const updates: MetadataUpdate[] = named.removed.map((name) => ({
        action: 'remove-snapshot-ref',
        'ref-name': name,
      }))
      if (removed.length > 0) updates.push({ action: 'remove-snapshots', 'snapshot-ids': removed })
      if (updates.length === 0) return undefined
      const next = { ...trimmed.metadata, 'last-updated-ms': Math.max(now, metadata['last-updated-ms'] + 1) }
      return { next, updates }
    })
    return removed.length
  }

  async #sweep(table: string, options: MaintenanceOptions): Promise<number> {
    const writer = this.#writer
    const { settings, catalog } = writer
    const nowMs = writer.nowMs()
    const current = await writer.present(table)
    const { location } = current.metadata
    if (!this.#sweeper.isDue(location, nowMs, settings.sweepIntervalMs)) return 0
    await catalog.forgetOldVersions(current)
    return this.#sweeper.sweep(location, {
      load: async () => (await writer.present(table)).metadata,
      fence: async () =>
        (await writer.setProperties(table, () => ({ [property.sweptAt]: new Date(nowMs).toISOString() })))
          .metadata,
      keeps: (path) => writer.isPending(path) || options.keep?.has(path) === true,
      nowMs,
      graceMs: settings.graceMs,
    })
  }
}

/** Our keys in the summary of the snapshot that a compaction or a repair replaces: it moves nothing. */
export function ourSummary(base: TableVersion): Record<string, string> {
  const summary = findSnapshot(base.metadata)?.summary ?? {}
  return Object.fromEntries(Object.entries(summary).filter(([key]) => key.startsWith('landfall.')))
}

/** The last guard before rows are replaced: as many go as come. */
function checkSameRows(table: string, inputs: readonly ManifestEntry[], outputs: readonly DataFile[]): void {
  const before = inputs.reduce((total, entry) => total + entry.file.rows, 0)
  const after = outputs.reduce((total, file) => total + file.rows, 0)
  if (before === after) return
  throw new LandfallError(
    'bug',
    'lake/compaction-mismatch',
    `compaction of ${table} read ${before} rows and wrote ${after}`,
    { hint: 'Nothing was changed; report this with the table', details: { table, before, after } },
  )
}
