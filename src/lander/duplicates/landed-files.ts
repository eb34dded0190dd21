import type { Lake, PinnedFile } from '../../lake/lake.ts'
import type { Schema } from '../../lake/metadata.ts'
import type { LeasedFiles } from '../../storage/storage.ts'

/** Where records are that have landed, as files for DuckDB to open. Tables without files are left out. */
export interface LandedFiles extends AsyncDisposable {
  tables: { name: string; schema: Schema; locations: string[] }[]
}

interface Bounds {
  lower: number
  upper: number
}

/** What a file may hold by its statistics; infinite where it has none. */
export interface FileBounds {
  partition: Bounds
  offset: Bounds
  /** µs. */
  received: Bounds
}

/**
 * Leases the files of `events` and `dead_letters` that are wanted; with `backMicros`, those of them only that may hold a record received so
 * long before the latest one, or later. So a lander that starts fetches a week from an object store, not all there is.
 */
export async function leaseLanded(
  lake: Lake,
  isWanted: (bounds: FileBounds) => boolean,
  backMicros = Number.POSITIVE_INFINITY,
): Promise<LandedFiles> {
  const found: { name: string; schema: Schema; files: { file: PinnedFile; bounds: FileBounds }[] }[] = []
  for (const name of ['events', 'dead_letters']) {
    const state = await lake.load(name)
    if (state === undefined) continue
    const { schema } = state
    const files = (await lake.files(state)).map((file) => ({ file, bounds: boundsOf(schema, file) }))
    found.push({ name, schema, files: files.filter(({ bounds }) => isWanted(bounds)) })
  }
  const latest = Math.max(...found.flatMap(({ files }) => files.map(({ bounds }) => bounds.received.upper)))
  const since = Number.isFinite(latest) ? latest - backMicros : Number.NEGATIVE_INFINITY
  const leases: LeasedFiles[] = []
  const release = async () => {
    for (const lease of leases) lease.release()
  }
  try {
    const tables: LandedFiles['tables'] = []
    for (const { name, schema, files } of found) {
      const wanted = files.filter(({ bounds }) => bounds.received.upper >= since)
      if (wanted.length === 0) continue
      const lease = await lake.lease(wanted.map(({ file }) => file))
      leases.push(lease)
      tables.push({ name, schema, locations: lease.locations })
    }
    return { tables, [Symbol.asyncDispose]: release }
  } catch (error) {
    await release()
    throw error
  }
}

function boundsOf(schema: Schema, file: PinnedFile): FileBounds {
  return {
    partition: boundsIn(schema, file, 'partition'),
    offset: boundsIn(schema, file, 'offset'),
    received: boundsIn(schema, file, 'received_at'),
  }
}

function boundsIn(schema: Schema, file: PinnedFile, column: string): Bounds {
  const field = schema.fields.find(({ name }) => name === column)
  const { lower, upper } = (field && file.columns.get(field.id)) ?? {}
  return {
    lower: numberOf(lower) ?? Number.NEGATIVE_INFINITY,
    upper: numberOf(upper) ?? Number.POSITIVE_INFINITY,
  }
}

/** Iceberg's single values: an int has four bytes, a long or a time eight. */
function numberOf(value: Buffer | undefined): number | undefined {
  if (value?.length === 8) return Number(value.readBigInt64LE())
  return value?.length === 4 ? value.readInt32LE() : undefined
}
