import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { Type } from 'typebox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { randomSeed } from '../../src/lander/duplicates/prints.ts'
import { Intake } from '../../src/lander/intake.ts'
import { Judge } from '../../src/lander/judge/judge.ts'
import { createMemoryLog } from '../../src/log/drivers/memory.ts'
import { checkEvent } from '../../src/model/check-event.ts'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import type { CompiledPipeline } from '../../src/model/pipeline.ts'
import type { Plan, PlanProperty } from '../../src/model/plan.ts'
import { parseTime } from '../../src/model/time.ts'
import { createRandom, type Random } from '../../src/simulate/random.ts'

/** The vectors, changed at random: DuckDB and checkEvent must still agree about each, and about the value that lands. */
const file = new URL('../../docs/formats/type-vectors.json', import.meta.url)
const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as {
  vectors: { event: string; property: PlanProperty }[]
}
const byProperty = [...Map.groupBy(vectors, ({ property }) => JSON.stringify(property)).values()]

const directory = mkdtempSync(join(tmpdir(), 'landfall-judge-'))
let connection: DuckDBConnection
beforeAll(async () => {
  connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
  await connection.run(`SET TimeZone = 'UTC'`)
})
afterAll(() => {
  connection.closeSync()
  rmSync(directory, { recursive: true, force: true })
})

// biome-ignore format: a list of pieces
const PIECES = ['', '', '"', '\\', '0', '1', '9', '-', '.', 'e', 'E', '+', ',', ':', '{', '}', '[', ']', ' ', '\t', '\\u0000', '\\ud800', '\\udc00',
  'Z', 'T', ':60', '24', '00', 'null', 'true', 'NaN', 'inf', 'é', '😀', '"v":1,', '\\n', '0000', '99999', '_', '\u00a0', '\u0001']

/** Replaces up to two characters by a piece, most often inside the value. */
function bend(event: string, random: Random): string {
  const value = event.indexOf('"v":') + 4
  const inside = value > 3 && random.below(10) > 0
  const start = inside ? value : 0
  const end = inside ? event.lastIndexOf('}') : event.length
  const at = start + random.below(Math.max(1, end - start))
  return (event.slice(0, at) + random.pick(PIECES) + event.slice(at + random.below(3))).toWellFormed()
}

function pipelineOf(property: PlanProperty): CompiledPipeline {
  const plan: Plan = { version: 'v', events: { e: { name: 'e', properties: [property] } } }
  const base = definePipeline({ name: 'judge', events: { e: Type.Object({}) }, tables: {} })
  const column = { name: 'v', type: property.type, source: { from: 'property', property: 'v' } } as const
  return {
    ...base.compiled,
    plan,
    tables: [{ name: 't', events: ['e'], columns: [column], partition: null, codec: 'snappy' }],
  }
}

/** Row → the value that lands, as text. */
async function land(pipeline: CompiledPipeline, events: string[]): Promise<Map<number, string | null>> {
  const log = createMemoryLog()
  const receivedAt = 1_700_000_000_000_000
  await log.append(events.map((event) => ({ key: null, value: Buffer.from(event), receivedAt, headers: [] })))
  const intake = new Intake(log.id, { seed: randomSeed(), note() {} }, { bytes: 1e9, rows: 1e6 })
  for await (const batch of log.read({ follow: false })) intake.take(batch, batch.cursor())
  const { scratch, faults } = intake.cut()
  const judge = new Judge(connection, pipeline, async () => undefined, directory)
  await judge.judge(scratch, faults, await judge.prepare(scratch))
  const time = pipeline.tables[0]!.columns[0]!.type === 'timestamptz'
  const sql = `SELECT v."row", ${time ? 'epoch_us(v.p0)' : 'v.p0'}::VARCHAR FROM judged WHERE ok`
  const rows = (await connection.runAndReadAll(sql)).getRows()
  return new Map(rows.map(([row, value]) => [Number(row), value as string | null]))
}

/** What the text of the landed value means, comparable with what `JSON.parse` makes of the event. */
function meaning(type: string, text: string): unknown {
  if (type === 'string' || type === 'date') return text
  if (type === 'timestamptz') return BigInt(text)
  if (type.startsWith('decimal')) return unsigned(Number(text))
  return unsigned(JSON.parse(text))
}

function expected(type: string, event: string): unknown {
  const value = (JSON.parse(event) as { v?: unknown }).v ?? null
  if (value === null) return null
  if (type === 'timestamptz') return parseTime(value as string)
  return unsigned(type.startsWith('decimal') ? Number(value) : value)
}

/** The sign of zero is not promised. */
function unsigned(value: unknown): unknown {
  return value === 0 ? 0 : value
}

test('DuckDB and checkEvent agree about events that somebody bent', async () => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
  const random = createRandom(seed)
  let landed = 0
  for (const group of byProperty) {
    const { property } = group[0]!
    const pipeline = pipelineOf(property)
    const events = Array.from({ length: 600 }, () => {
      let { event } = random.pick(group)
      for (let times = random.below(3); times > 0; times--) event = bend(event, random)
      return event.replaceAll('\n', ' ')
    })
    const rows = await land(pipeline, events)
    landed += rows.size
    for (const [row, event] of events.entries()) {
      const fault = checkEvent(pipeline.plan, event)
      expect({ seed, event, landed: rows.has(row) }).toEqual({ seed, event, landed: fault === null })
      if (fault) continue
      const value = rows.get(row) ?? null
      const found = value === null ? null : meaning(property.type, value)
      expect({ seed, event, value: found }).toEqual({ seed, event, value: expected(property.type, event) })
    }
  }
  expect(landed).toBeGreaterThan(1000)
}, 120_000)
