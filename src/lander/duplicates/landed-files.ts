import type { Lake, PinnedFile } from '../../lake/lake.ts'
import type { Schema } from '../../lake/metadata.ts'
import type { LeasedFiles } from '../../storage/storage.ts'

/** Where records are that have landed, as files for DuckDB to open. Tables without files are left out. */
export interface LandedFiles extends AsyncDisposable {
  tables: { name: string; schema: Schema; locations: string[] }[]
}

/**
 * Leases the files of `events` and `dead_letters`; with `lastMicros`, those only that may hold a record received so long before the
 * latest one, or later. So a lander that starts fetches a week from an object store, not all there is.
 */
export async function leaseLanded(lake: Lake, lastMicros?: number): Promise<LandedFiles> {
  const found: { name: string; schema: Schema; files: PinnedFile[] }[] = []
  for (const name of ['events', 'dead_letters']) {
    const state = await lake.load(name)
    if (state !== undefined) found.push({ name, schema: state.schema, files: await lake.files(state) })
  }
  const latest = Math.max(
    ...found.flatMap(({ schema, files }) => files.map((file) => receivedMax(schema, file))),
  )
  const since = lastMicros === undefined || latest === Number.POSITIVE_INFINITY ? 0 : latest - lastMicros
  const leases: LeasedFiles[] = []
  const release = async () => {
    for (const lease of leases) lease.release()
  }
  try {
    const tables: LandedFiles['tables'] = []
    for (const { name, schema, files } of found) {
      const wanted = files.filter((file) => receivedMax(schema, file) >= since)
      if (wanted.length === 0) continue
      const lease = await lake.lease(wanted)
      leases.push(lease)
      tables.push({ name, schema, locations: lease.locations })
    }
    return { tables, [Symbol.asyncDispose]: release }
  } catch (error) {
    await release()
    throw error
  }
}

/** Microseconds since 1970 of the file's latest `received_at`, by its statistics; infinite where it has none. */
function receivedMax(schema: Schema, file: PinnedFile): number {
  const field = schema.fields.find(({ name }) => name === 'received_at')
  const upper = field && file.columns.get(field.id)?.upper
  return upper?.length === 8 ? Number(upper.readBigInt64LE()) : Number.POSITIVE_INFINITY
}
