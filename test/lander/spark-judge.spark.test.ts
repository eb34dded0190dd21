import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { Type } from 'typebox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { landedTables } from '../../src/lander/tables.ts'
import { createMemoryLog } from '../../src/log/drivers/memory.ts'
import { hashOf } from '../../src/model/canonical-json.ts'
import type { Column } from '../../src/model/columns.ts'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import type { Pipeline } from '../../src/model/definition.ts'
import type { CompiledPipeline } from '../../src/model/pipeline.ts'
import type { Plan, PlanProperty } from '../../src/model/plan.ts'
import { planDirectory, savePlan } from '../../src/model/plan-store.ts'
import { createRandom } from '../../src/simulate/random.ts'
import { findSpark } from '../engines/spark.ts'
import { randomPipeline, randomSent } from './random-events.ts'
import { comparable, type Fault, landWithSpark, type Rows } from './spark-tables.ts'
import { type Sent, World } from './support.ts'

/** Spark's tables are those of the DuckDB lander, row by row. */

const spark = await findSpark()
const directory = mkdtempSync(join(tmpdir(), 'landfall-spark-judge-'))
let connection: DuckDBConnection
beforeAll(async () => {
  connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
  await connection.run(`SET TimeZone = 'UTC'`)
})
afterAll(() => {
  connection.closeSync()
  rmSync(directory, { recursive: true, force: true })
})

async function duckTables(world: World): Promise<Record<string, Rows>> {
  const tables: Record<string, Rows> = {}
  for (const { name } of landedTables(world.pipeline)) tables[name] = await world.rows(name)
  return tables
}

/** Ids that came twice are decided outside of the statements: by the DuckDB lander here. */
function faultsOf(records: number, tables: Record<string, Rows>): Fault[] {
  const conflicts = tables['dead_letters']!.filter(({ reason }) => reason === 'id_conflict').map((row) => ({
    partition: Number(row['partition']),
    offset: Number(row['offset']),
    fate: 'dead' as const,
    reason: 'id_conflict',
    field: row['field'] as string,
    detail: row['detail'] as string,
  }))
  const seen = new Set([...tables['events']!, ...tables['dead_letters']!].map((row) => Number(row['offset'])))
  const duplicates = Array.from({ length: records }, (_, offset) => offset)
    .filter((offset) => !seen.has(offset))
    .map((offset) => ({
      partition: 0,
      offset,
      fate: 'duplicate' as const,
      reason: null,
      field: null,
      detail: null,
    }))
  return [...conflicts, ...duplicates]
}

const VECTORS = new URL('../../docs/formats/type-vectors.json', import.meta.url)
interface Vector {
  event: string
  property: PlanProperty
  verdict: 'landed' | 'dead'
  reason: string | null
  field: string | null
  value: string | null
}

/** A plan with one event `e` of one property. */
function planOf(property: PlanProperty): Plan {
  const events = { e: { name: 'e', properties: [property] } }
  return { version: hashOf(events), events }
}

/** A pipeline of these plans, of which the first is its own; its one table has a column for each type that a property has. */
function pipelineOf(plans: Plan[]): CompiledPipeline {
  const properties = plans.flatMap(({ events }) => Object.values(events).flatMap((event) => event.properties))
  const columns = new Map<string, Column>()
  for (const { name, type } of properties) {
    const column = `${name}_${type.replaceAll(/\W/g, '_')}`
    columns.set(column, { name: column, type, source: { from: 'property', property: name } })
  }
  const id: Column = { name: 'event_id', type: 'string', source: { from: 'event_id' } }
  const table = {
    name: 't',
    events: ['e'],
    columns: [id, ...columns.values()],
    partition: null,
    codec: 'snappy' as const,
  }
  const base = definePipeline({ name: 'vectors', events: { e: Type.Object({}) }, tables: {} }).compiled
  return { ...base, plan: plans[0]!, tables: [table] }
}

test('every vector gets the verdict that the vector file says, and the value that DuckDB gives it', {
  timeout: 300_000,
}, async ({ skip }) => {
  if ('missing' in spark) return skip(spark.missing)
  const { vectors } = JSON.parse(readFileSync(VECTORS, 'utf8')) as { vectors: Vector[] }
  const plans = new Map(vectors.map(({ property }) => [planOf(property).version, planOf(property)]))
  const pipeline = pipelineOf([...plans.values()])
  await using world = new World(pipeline)
  for (const plan of plans.values()) await savePlan(planDirectory(join(world.directory, 'plans')), plan)
  // Without an id they are read strictly by either lander.
  await world.send(...vectors.map(({ event, property }) => ({ event, plan: planOf(property).version })))
  await world.land()
  const found = await landWithSpark({ spark, connection, pipeline, plans, log: world.log, directory })
  const dead = new Map(found['dead_letters']!.map((row) => [Number(row['offset']), row]))
  for (const [offset, vector] of vectors.entries()) {
    const { reason = null, field = null } = dead.get(offset) ?? {}
    expect({ event: vector.event, reason, field }).toEqual({
      event: vector.event,
      reason: vector.reason,
      field: vector.field,
    })
  }
  expectEqual(pipeline, found, await duckTables(world))
})

test('what Spark judges differently is what its page says', { timeout: 120_000 }, async ({ skip }) => {
  if ('missing' in spark) return skip(spark.missing)
  await using world = new World()
  const nested = (levels: number) => `{"event_type":"default","x":${'['.repeat(levels)}${']'.repeat(levels)}}`
  const long = `{"event_type":"default","x":"${'x'.repeat(100_000)}"`
  await world.send(
    { event: nested(900) },
    { event: nested(5000) },
    { event: `${long},}` },
    { event: `${long}}` },
  )
  const { events, dead_letters: dead } = await landWithSpark({
    spark,
    connection,
    pipeline: world.pipeline,
    log: world.log,
    directory,
  })
  expect(events!.map(({ offset }) => Number(offset)).sort()).toEqual([0, 3])
  const details = dead!.map(({ offset, detail }) => `${offset}: ${detail}`).sort()
  expect(details).toEqual(['1: nested too deep', '2: not one JSON object'])
})

/** Of the test with random events: SEED, RUNS and ROWS choose others. */
const RUNS = Number(process.env['RUNS'] ?? 2)
const ROWS = Number(process.env['ROWS'] ?? 2000)

const GOLDEN = new URL('../golden/lander/', import.meta.url)
for (const name of readdirSync(GOLDEN)) {
  test(`golden: ${name}`, { timeout: 120_000 }, async ({ skip }) => {
    if ('missing' in spark) return skip(spark.missing)
    const folder = new URL(`${name}/`, GOLDEN)
    const { default: made } = (await import(fileURLToPath(new URL('pipeline.ts', folder)))) as {
      default: Pipeline
    }
    const lines = readFileSync(new URL('events.ndjson', folder), 'utf8').trim().split('\n')
    const expected = JSON.parse(readFileSync(new URL('tables.json', folder), 'utf8')) as Record<string, Rows>
    await using world = new World(made.compiled, createMemoryLog({ id: 'golden' }))
    await world.send(...lines.map((line) => JSON.parse(line) as Sent))
    const faults = faultsOf(lines.length, expected)
    const found = await landWithSpark({
      spark,
      connection,
      pipeline: made.compiled,
      log: world.log,
      faults,
      directory,
    })
    expectEqual(made.compiled, found, expected)
  })
}

test('events at random, bent and foreign ones too, get from Spark what DuckDB gives them', {
  timeout: 600_000,
}, async ({ skip }) => {
  if ('missing' in spark) return skip(spark.missing)
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`seed ${seed}`)
  const random = createRandom(seed)
  for (let run = 0; run < RUNS; run++) {
    const made = randomPipeline(random)
    const { pipeline, plans } = made
    await using world = new World(pipeline)
    for (const plan of plans.values()) await savePlan(planDirectory(join(world.directory, 'plans')), plan)
    const sent = Array.from({ length: ROWS }, (_, i) => randomSent(random, made, i))
    await world.send(...sent)
    await world.land()
    const expected = await duckTables(world)
    expect(expected['events']!.length).toBeGreaterThan(ROWS / 20)
    const faults = faultsOf(ROWS, expected)
    const found = await landWithSpark({
      spark,
      connection,
      pipeline,
      plans,
      log: world.log,
      faults,
      directory,
    })
    expectEqual(pipeline, found, expected)
  }
})

function expectEqual(
  pipeline: CompiledPipeline,
  found: Record<string, Rows>,
  expected: Record<string, Rows>,
): void {
  expect(comparable(pipeline, found)).toEqual(comparable(pipeline, expected))
}
