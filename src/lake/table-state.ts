import { LandfallError } from '../base/errors.ts'
import type { TableVersion } from '../catalog/catalog.ts'
import { formatPosition, type Position, parsePosition } from '../model/position.ts'
import { type Commit, type Counters, property, type TableState } from './lake.ts'
import { currentSchema, findSnapshot } from './metadata.ts'

/** The version of docs/formats/lake.md that we write (`landfall.format-version`). */
export const FORMAT_VERSION = 1

/** A table as its properties tell it. */
export function tableState(version: TableVersion): TableState {
  const { name, metadata } = version
  const { properties } = metadata
  const format = Number(properties[property.formatVersion] ?? FORMAT_VERSION)
  if (format > FORMAT_VERSION) {
    throw new LandfallError(
      'fix-config',
      'lake/newer-format',
      `table ${name} has Landfall's format version ${format}; this version knows ${FORMAT_VERSION}`,
      { hint: 'Use the newer Landfall that wrote it' },
    )
  }
  const position = properties[property.position]
  const counters = properties[property.counters]
  return {
    name,
    metadata,
    schema: currentSchema(metadata),
    position: position === undefined ? undefined : parsePosition(position),
    epoch: Number(properties[property.epoch] ?? 0),
    batch: Number(properties[property.batch] ?? 0),
    counters: counters === undefined ? undefined : (JSON.parse(counters) as Counters),
    definition: properties[property.definition],
  }
}

/**
 * Throws `lake/inconsistent` when a table has rows but no position, or when the position in its properties is not that of
 * its newest snapshot: then another writer was here and nothing may land.
 */
export function checkConsistent(version: TableVersion): void {
  const snapshot = findSnapshot(version.metadata)
  if (snapshot === undefined) return
  const inProperties = version.metadata.properties[property.position]
  const inSummary = snapshot.summary[property.position]
  const empty = snapshot.summary['total-records'] === '0'
  if (inProperties === inSummary && (inProperties !== undefined || empty)) return
  throw new LandfallError(
    'bad-data',
    'lake/inconsistent',
    inProperties === undefined && inSummary === undefined
      ? `table ${version.name} has rows but no position`
      : `table ${version.name} stands at ${inProperties ?? 'no position'} by its properties and at ${inSummary ?? 'no position'} by its newest snapshot`,
    {
      hint: 'Something other than Landfall has written this table: undo that snapshot, or give the table another name',
      details: { table: version.name, property: inProperties ?? null, summary: inSummary ?? null },
    },
  )
}

const describe = (position: Position | undefined) => (position ? formatPosition(position) : 'no position')

/** Throws `lake/fenced` or `lake/position-moved` when the table does not stand where the commit expects it. */
export function checkExpected(state: TableState, expect: Commit['expect']): void {
  if (state.epoch !== expect.epoch) {
    throw new LandfallError(
      'closed',
      'lake/fenced',
      `a commit to ${state.name} under epoch ${expect.epoch} found epoch ${state.epoch}`,
      {
        hint: 'Another lander has taken over; this one must stop',
        details: { table: state.name, expected: expect.epoch, found: state.epoch },
      },
    )
  }
  const [expected, found] = [describe(expect.position), describe(state.position)]
  if (expected !== found) {
    throw new LandfallError(
      'retry',
      'lake/position-moved',
      `a commit to ${state.name} expected it at ${expected}, found ${found}`,
      {
        hint: 'Load the table: it may be at the end of this plan already',
        details: { table: state.name, expected, found },
      },
    )
  }
}
