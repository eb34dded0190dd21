/**
 * The rehearsal of a swap: the present lander and the next one land the same range of the log, each into a shadow namespace of
 * its own, and the tables are compared row by row, the questions answer by answer.
 *
 * The tables of the pipeline are neither read nor written, and the lander in charge goes on meanwhile. Both sides begin without a
 * memory of earlier event ids, so a duplicate of a record before the range lands on both. A rehearsal that is killed leaves two
 * shadow namespaces and a folder; the next one removes them first.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import type { Lake } from '../../lake/lake.ts'
import type { LandReport } from '../../lander/land-report.ts'
import type { Lander } from '../../lander/lander.ts'
import { landedTables } from '../../lander/tables.ts'
import type { LogReader } from '../../log/log.ts'
import type { CompiledPipeline } from '../../model/pipeline.ts'
import type { Position } from '../../model/position.ts'
import type { Named } from '../named.ts'
import { compareTable, type TableComparison } from './compare.ts'
import { LogRange } from './log-range.ts'
import { compareQuestions, type QuestionComparison } from './questions.ts'

export type Side = 'now' | 'next'
const SIDES: readonly Side[] = ['now', 'next']

/** What a lander is opened with: an empty lake, and folders that nobody else uses. */
export interface ShadowParts {
  log: LogReader
  lake: Lake
  directory: string
  spoolDirectory: string
}

export interface RehearsalOptions {
  pipeline: CompiledPipeline
  named: Named
  log: LogReader
  from: Position
  to: Position
  /** The pipeline's own; each side lands into one that is named after it. */
  namespace: string
  /** Opens the lake of a namespace. */
  openLake: (namespace: string) => Promise<Lake>
  landers: Record<Side, (parts: ShadowParts) => Promise<Lander>>
  /** For what both landers and the comparison keep on this machine; emptied before and removed after. */
  directory: string
  signal?: AbortSignal
  onProgress?: (side: Side, records: number) => void
}

export interface Rehearsal {
  records: number
  sides: Record<Side, LandReport & { seconds: number }>
  tables: TableComparison[]
  questions: QuestionComparison[]
  equal: boolean
}

const MEMORY = '1GB'

export async function rehearse(options: RehearsalOptions): Promise<Rehearsal> {
  return inShadow(options, async (lakes) => {
    const now = await land(options, 'now', lakes.now)
    const next = await land(options, 'next', lakes.next)
    const tables = await compareTables(options.pipeline, lakes, options.directory)
    const questions = await compareQuestions(options.pipeline.questions, options.named, lakes)
    const equal = [...tables, ...questions].every((one) => one.equal)
    return {
      records: now.records,
      sides: { now, next },
      tables,
      questions,
      equal,
    }
  })
}

/** Throws what keeps the next lander from landing here: it is opened for real, makes the tables, and lands the range. */
export async function tryNext(options: RehearsalOptions): Promise<void> {
  await inShadow(options, (lakes) => land(options, 'next', lakes.next))
}

async function inShadow<T>(
  { directory, openLake, namespace }: RehearsalOptions,
  work: (lakes: Record<Side, Lake>) => Promise<T>,
): Promise<T> {
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  const namespaceOf = (side: Side) => `${namespace}_rehearsal_${side}`
  const lakes = { now: await openLake(namespaceOf('now')), next: await openLake(namespaceOf('next')) }
  for (const side of SIDES) await dropTables(lakes[side], namespaceOf(side))
  try {
    return await work(lakes)
  } finally {
    for (const side of SIDES) await dropTables(lakes[side], namespaceOf(side)).catch(() => {})
    await rm(directory, { recursive: true, force: true })
  }
}

async function land(
  options: RehearsalOptions,
  side: Side,
  lake: Lake,
): Promise<LandReport & { seconds: number }> {
  const directory = join(options.directory, side)
  const lander = await options.landers[side]({
    log: new LogRange(options.log, options.from, options.to),
    lake,
    directory: join(directory, 'lander'),
    spoolDirectory: join(directory, 'spool'),
  })
  await using _ = lander
  const startedAt = performance.now()
  const report = await lander.landToEnd({
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onProgress: ({ records }) => options.onProgress?.(side, records),
  })
  options.signal?.throwIfAborted()
  return { ...report, seconds: (performance.now() - startedAt) / 1000 }
}

async function compareTables(
  pipeline: CompiledPipeline,
  lakes: Record<Side, Lake>,
  directory: string,
): Promise<TableComparison[]> {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: MEMORY,
    temp_directory: join(directory, 'temporary'),
  })
  let connection: DuckDBConnection | undefined
  try {
    connection = await instance.connect()
    await connection.run("SET TimeZone = 'UTC'")
    const compared: TableComparison[] = []
    for (const { name } of landedTables(pipeline)) compared.push(await compareTable(connection, name, lakes))
    return compared
  } finally {
    connection?.closeSync()
    instance.closeSync()
  }
}

/** The tables of a shadow namespace and every file below it. */
async function dropTables(lake: Lake, namespace: string): Promise<void> {
  for (const table of await lake.listTables()) await lake.catalog.dropTable(table)
  for await (const { path } of lake.storage.list(namespace)) await lake.storage.delete(path)
}
