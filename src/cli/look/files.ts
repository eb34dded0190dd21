import { humanBytes } from '../../base/quantities.ts'
import type { Lake } from '../../lake/lake.ts'
import type { Places } from '../../pipeline/places.ts'
import { openDataLake } from '../../pipeline/readers.ts'
import { loadTable } from './describe.ts'

interface ListedFile {
  table: string
  rows: number
  bytes: number
  /** RFC 3339; null when the file has just been removed. */
  modified: string | null
  path: string
}

/** `landfall files [TABLE]`: the live data files, oldest commit first, as `hadoop fs -ls -h` shows a directory. */
export async function showFiles(
  places: Places,
  table: string | undefined,
  { json }: { json: boolean },
): Promise<void> {
  const lake = await openDataLake(places)
  if (table !== undefined) await loadTable(lake.catalog, table)
  const tables = table === undefined ? (await lake.listTables()).sort() : [table]
  const files = await Promise.all(tables.map((name) => listFiles(lake, name)))
  if (json) {
    process.stdout.write(`${JSON.stringify(files.flat(), null, 2)}\n`)
    return
  }
  for (const [i, name] of tables.entries()) {
    const found = files[i]!
    const bytes = found.reduce((sum, file) => sum + file.bytes, 0)
    process.stdout.write(
      `${name}: found ${found.length} ${found.length === 1 ? 'file' : 'files'}, ${humanBytes(bytes)}\n`,
    )
    for (const file of found) process.stdout.write(`${lineOf(file)}\n`)
  }
}

async function listFiles(lake: Lake, table: string): Promise<ListedFile[]> {
  const state = await lake.load(table)
  if (state === undefined) return []
  const files = await lake.files(state)
  return Promise.all(
    files.map(async ({ url, path, rows, bytes }) => {
      const found = await lake.storage.stat(path)
      const modified = found === undefined ? null : new Date(found.modifiedAt).toISOString()
      return {
        table,
        rows,
        bytes,
        modified,
        path: url.startsWith('file:') ? url.slice('file://'.length) : url,
      }
    }),
  )
}

function lineOf({ rows, bytes, modified, path }: ListedFile): string {
  const time = modified === null ? '' : modified.slice(0, 16).replace('T', ' ')
  return `${humanBytes(bytes).padStart(10)} ${String(rows).padStart(9)} rows  ${time.padEnd(16)}  ${path}`
}
