/** Files below a table that nothing names: what crashes and compactions leave for maintenance. */

import { isLandfallError } from '../base/errors.ts'
import type { TableVersion } from '../catalog/catalog.ts'
import { entryStatus } from '../lake/manifest.ts'
import { TableFiles } from '../lake/table-files.ts'
import type { LakeRooms } from '../pipeline/rooms.ts'
import type { CheckedTable } from './check-table.ts'
import type { Findings } from './report.ts'

const NOT_COUNTED = /(\.metadata\.json(\.gz)?|\/version-hint\.text|\/unreferenced\.json)$/

export async function checkOrphans(
  { name, metadata }: TableVersion,
  checked: CheckedTable,
  { storage }: LakeRooms,
  findings: Findings,
): Promise<void> {
  // What cannot be read may name any of them.
  if (checked.lostList || checked.lostManifests.length > 0) return
  const files = new TableFiles(storage)
  const named = new Set<string>()
  for (const snapshot of metadata.snapshots) {
    named.add(files.path(snapshot['manifest-list']))
    for (const manifest of await ifReadable(files.manifests(snapshot))) {
      named.add(files.path(manifest.url))
      for (const { status, file } of await ifReadable(files.entries(metadata, manifest))) {
        if (status !== entryStatus.deleted) named.add(files.path(file.url))
      }
    }
  }
  let [count, bytes] = [0, 0]
  for (const part of ['data', 'metadata']) {
    for await (const object of storage.list(`${files.path(metadata.location)}/${part}/`)) {
      if (NOT_COUNTED.test(object.path) || named.has(object.path)) continue
      count += 1
      bytes += object.bytes
    }
  }
  if (count === 0) return
  findings.note(
    `${name}: ${count} files (${bytes} bytes) that no snapshot names; maintenance removes them when they are old enough`,
    { table: name },
  )
}

async function ifReadable<T>(list: Promise<T[]>): Promise<T[]> {
  try {
    return await list
  } catch (error) {
    if (isLandfallError(error) && error.kind === 'bad-data') return []
    throw error
  }
}
