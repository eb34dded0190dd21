import type { Catalog } from '../catalog/catalog.ts'
import { property } from '../lake/lake.ts'
import { type Position, parsePosition } from '../model/position.ts'

/**
 * The furthest position that any table knows. A log that ends before it has lost durable records (a disk restored from an older
 * copy, say); giving its offsets out again would make new events look landed.
 */
export async function knownEnd(catalog: Catalog | undefined): Promise<Position | undefined> {
  if (catalog === undefined) return undefined
  const positions = await Promise.all((await catalog.listTables()).map((name) => positionOf(catalog, name)))
  return positions.reduce(further, undefined)
}

/** Up to here every table has landed: `events` is committed last. Undefined before the first batch. */
export async function landedPosition(catalog: Catalog | undefined): Promise<Position | undefined> {
  return catalog && positionOf(catalog, 'events')
}

async function positionOf(catalog: Catalog, table: string): Promise<Position | undefined> {
  const text = (await catalog.loadTable(table))?.metadata.properties[property.position]
  return text === undefined ? undefined : parsePosition(text)
}

function further(a: Position | undefined, b: Position | undefined): Position | undefined {
  return combine(a, b, Math.max)
}

/** What both have passed; of a partition that is absent in one of them, nothing is known to be. */
export function earlier(a: Position, b: Position): Position {
  const next: Record<number, number> = {}
  for (const partition of Object.keys(a.next).map(Number)) {
    next[partition] = Math.min(a.next[partition]!, b.next[partition] ?? 0)
  }
  return { logId: a.logId, next }
}

function combine(
  a: Position | undefined,
  b: Position | undefined,
  choose: (x: number, y: number) => number,
): Position | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const next: Record<number, number> = { ...a.next }
  for (const [partition, offset] of Object.entries(b.next)) {
    next[Number(partition)] = choose(next[Number(partition)] ?? 0, offset)
  }
  return { logId: a.logId, next }
}
