import { LandfallError } from '../../base/errors.ts'
import type { Catalog, TableVersion } from '../../catalog/catalog.ts'
import { currentSchema, partitionSpec, type TableMetadata } from '../../lake/metadata.ts'
import { nearestName } from '../../model/names.ts'
import type { Places } from '../../pipeline/places.ts'
import { openDataCatalog } from '../../pipeline/readers.ts'
import { formatTable } from '../table.ts'

/** `landfall describe TABLE`. */
export async function showTable(places: Places, name: string, { json }: { json: boolean }): Promise<void> {
  const { metadata } = await loadTable(await openDataCatalog(places), name)
  const columns = currentSchema(metadata).fields.map(({ id, name: column, type }) => ({
    column,
    type,
    id,
  }))
  const partition = partitionText(metadata)
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ table: name, location: metadata.location, partition, columns }, null, 2)}\n`,
    )
    return
  }
  const rows = columns.map(({ column, type, id }) => [column, type, String(id)])
  process.stdout.write(`${formatTable(['Column', 'Type', 'Id'], rows, { right: new Set([2]) })}\n\n`)
  process.stdout.write(`Partitioned by  ${partition ?? 'nothing'}\nLocation        ${metadata.location}\n`)
}

/** The table, or one line that names the nearest one. */
export async function loadTable(catalog: Catalog, name: string): Promise<TableVersion> {
  const names = await catalog.listTables()
  const table = names.includes(name) ? await catalog.loadTable(name) : undefined
  if (table !== undefined) return table
  const near = nearestName(name, names)
  throw new LandfallError('fix-request', 'catalog/unknown-table', `there is no table ${name}`, {
    hint: near === undefined ? `There are ${names.sort().join(', ') || 'none yet'}` : `Did you mean ${near}?`,
  })
}

function partitionText(metadata: TableMetadata): string | null {
  const names = new Map(currentSchema(metadata).fields.map((field) => [field.id, field.name]))
  const fields = partitionSpec(metadata).fields.map(
    (field) => `${field.transform}(${names.get(field['source-id'])})`,
  )
  return fields.length === 0 ? null : fields.join(', ')
}
