/**
 * A metadata file that is damaged, in the catalog of the lake's own files: the version before it becomes current again.
 *
 * What the lost version brought is then looked for. `events` taken back by a batch is a batch that was not finished: its plan, which must be
 * there, is executed by the next lander. Another table lacks the rows of a batch, which `repairRows` lands from the log. A compaction, an
 * expiry or a raised epoch that is lost is lost for nothing.
 */
import { join } from 'node:path'
import { makeDirectory, replaceFile } from '../../base/files.ts'
import { property } from '../../lake/lake.ts'
import { parseMetadata, type TableMetadata } from '../../lake/metadata.ts'
import { loadPlan } from '../../lander/batch-plan.ts'
import { EVENTS_TABLE } from '../../model/pipeline.ts'
import { covers, parsePosition } from '../../model/position.ts'
import { OWN_CATALOG, type Places } from '../../pipeline/places.ts'
import type { Verified } from '../verify.ts'
import type { Outcome } from './rebuild.ts'

export async function repairMetadata(places: Places, seen: Verified): Promise<void> {
  for (const { table, finding } of seen.unreadable) {
    finding.repair = await takeBack(places, seen, table, finding.file ?? '')
  }
}

async function takeBack(places: Places, seen: Verified, table: string, path: string): Promise<Outcome> {
  const number = Number(/\/v(\d+)\.metadata\.json$/.exec(path)?.[1] ?? 0)
  if (places.catalog !== OWN_CATALOG || number === 0)
    return { done: false, message: 'the catalog that wrote it must restore it' }
  const { storage } = seen.rooms
  const before = path.replace(/v\d+\.metadata\.json$/, `v${number - 1}.metadata.json`)
  let metadata: TableMetadata
  try {
    metadata = parseMetadata(await storage.read(before))
  } catch {
    return {
      done: false,
      message: `version ${number - 1} cannot be read either: restore one of them from a backup`,
    }
  }
  if (table === EVENTS_TABLE.name) {
    const refusal = await eventsMustStay(places, seen, metadata)
    if (refusal !== undefined) return { done: false, message: refusal }
  }
  // What it was is kept: somebody may read more in it than we do.
  const kept = join(places.data, 'damaged', `${table}-v${number}.metadata.json`)
  await makeDirectory(join(places.data, 'damaged'))
  await replaceFile(kept, await storage.read(path))
  await storage.delete(path)
  return { done: true, message: `taken back to version ${number - 1}; the damaged one is kept as ${kept}` }
}

/** Why `events` cannot go back to `metadata`: others have landed what it then would not have, and no plan says how to go on. */
async function eventsMustStay(
  places: Places,
  { tables }: Verified,
  metadata: TableMetadata,
): Promise<string | undefined> {
  const text = metadata.properties[property.position]
  const position = text === undefined ? undefined : parsePosition(text)
  const ahead = tables.filter(({ version }) => {
    const other = version.metadata.properties[property.position]
    return other !== undefined && (position === undefined || !covers(position, parsePosition(other)))
  })
  if (ahead.length === 0) return undefined
  const plan = await loadPlan(places.paths.lander).catch(() => undefined)
  if (plan?.number === Number(metadata.properties[property.batch] ?? 0) + 1) return undefined
  return `${ahead.map(({ version }) => version.name).join(', ')} have landed more than the version before it, and there is no plan to finish that batch by: restore the file from a backup`
}
