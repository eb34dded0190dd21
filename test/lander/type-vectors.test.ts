import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, expect, test } from 'vitest'
import { randomSeed } from '../../src/lander/duplicates/prints.ts'
import { Intake } from '../../src/lander/intake.ts'
import { Judge } from '../../src/lander/judge/judge.ts'
import { createMemoryLog } from '../../src/log/drivers/memory.ts'
import { checkEvent } from '../../src/model/check-event.ts'
import type { CompiledPipeline } from '../../src/model/pipeline.ts'
import type { PlanProperty } from '../../src/model/plan.ts'

interface Vector {
  event: string
  property: PlanProperty
  verdict: 'landed' | 'dead'
  reason: string | null
  field: string | null
  value: string | null
}

const file = new URL('../../docs/formats/type-vectors.json', import.meta.url)
const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: Vector[] }
const directory = mkdtempSync(join(tmpdir(), 'landfall-vectors-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** A pipeline of one event `e` with one property, which one table has as a column. */
function pipelineOf(property: PlanProperty): CompiledPipeline {
  return {
    name: 'vectors',
    plan: { version: 'v', events: { e: { name: 'e', properties: [property] } } },
    tables: [
      {
        name: 't',
        events: ['e'],
        columns: [{ name: 'v', type: property.type, source: { from: 'property', property: property.name } }],
        partition: null,
        codec: 'snappy',
      },
    ],
    headers: [],
    subject: null,
    session: null,
    sources: [
      { name: 'default', writeKey: null, mode: 'collect', trustTime: null, origins: [], rateMax: null },
    ],
    duplicates: { windowMs: 1000, volatile: [] },
    retention: { ageMs: 0, bytes: 0 },
    questions: [],
    views: [],
    reference: [],
    settings: {},
    hash: 'h',
  }
}

/** How the vectors write a column's content. */
function shownAs(type: string): string {
  if (type === 'timestamptz') return 'epoch_us(v)::VARCHAR'
  return 'v::VARCHAR'
}

test('every vector gets the verdict, the reason and the value that the vector file says', async () => {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  await connection.run(`SET TimeZone = 'UTC'`)
  // Vectors with the same property are one chunk.
  const byProperty = Map.groupBy(vectors, (vector) => JSON.stringify(vector.property))
  let fast = 0
  for (const group of byProperty.values()) {
    const pipeline = pipelineOf(group[0]!.property)
    const log = createMemoryLog()
    await log.append(
      group.map(({ event }) => ({
        key: null,
        value: Buffer.from(event),
        receivedAt: 1_700_000_000_000_000,
        headers: [],
      })),
    )
    const intake = new Intake(log.id, { seed: randomSeed(), note() {} }, { bytes: 1e9, rows: 1e6 })
    for await (const batch of log.read({ follow: false })) intake.take(batch, batch.cursor())
    const { scratch, faults } = intake.cut()
    const judge = new Judge(connection, pipeline, async () => undefined, directory)
    await judge.judge(scratch, faults, await judge.prepare(scratch))
    fast += Number(
      (await connection.runAndReadAll('SELECT count(*) FILTER (ok) FROM judged')).getRows()[0]![0],
    )
    const landed = new Map(
      (
        await connection.runAndReadAll(
          `SELECT "row", ${shownAs(pipeline.plan.events.e!.properties[0]!.type)} FROM (SELECT v."row", v.p0 AS v FROM judged WHERE ok)`,
        )
      )
        .getRows()
        .map(([row, value]) => [Number(row), value as string | null]),
    )
    const dead = new Map(
      (await connection.runAndReadAll('SELECT f."row", f.reason, f.field, f.detail FROM faults AS f'))
        .getRows()
        .map(([row, reason, field, detail]) => [Number(row), { reason, field, detail }]),
    )
    for (const [row, vector] of group.entries()) {
      const place = `${vector.property.type} ${vector.event.slice(0, 100)}`
      const fault = dead.get(row)
      expect({ place, reason: fault?.reason ?? null, field: fault?.field ?? null }).toEqual({
        place,
        reason: vector.reason,
        field: vector.field,
      })
      expect({ place, landed: landed.has(row) }).toEqual({ place, landed: vector.verdict === 'landed' })
      expect(checkEvent(pipeline.plan, vector.event)?.reason ?? null).toBe(vector.reason)
      if (!landed.has(row)) continue
      const value = landed.get(row) ?? null
      if (vector.value === null || value === null)
        expect({ place, value }).toEqual({ place, value: vector.value })
      else if (vector.property.type === 'json') expect(JSON.parse(value)).toEqual(JSON.parse(vector.value))
      else if (/^(decimal|double)/.test(vector.property.type)) {
        expect({ place, value: Number(value) }).toEqual({ place, value: Number(vector.value) })
      } else expect({ place, value }).toEqual({ place, value: vector.value })
    }
  }
  expect(fast).toBe(vectors.filter((vector) => vector.verdict === 'landed').length)
  connection.closeSync()
}, 120_000)
