import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { createMemoryLog } from '../../src/log/drivers/memory.ts'
import type { Pipeline } from '../../src/model/definition.ts'
import { type Sent, World } from './support.ts'

// Each folder of test/golden/lander is a case: pipeline.ts, events.ndjson (what support.ts sends), tables.json (what lands). A
// missing tables.json is written, to be read by a person before it is kept.

const root = new URL('../golden/lander/', import.meta.url)

for (const name of readdirSync(root)) {
  test(`golden: ${name}`, async () => {
    const folder = new URL(`${name}/`, root)
    const { default: pipeline } = (await import(fileURLToPath(new URL('pipeline.ts', folder)))) as {
      default: Pipeline
    }
    const lines = readFileSync(new URL('events.ndjson', folder), 'utf8').trim().split('\n')
    await using world = new World(pipeline.compiled, createMemoryLog({ id: 'golden' }))
    await world.send(...lines.map((line) => JSON.parse(line) as Sent))
    await world.land()
    const tables: Record<string, unknown> = {}
    for (const table of [...pipeline.compiled.tables.map((table) => table.name), 'events', 'dead_letters']) {
      tables[table] = await world.rows(table, '*', 'ORDER BY ALL')
    }
    const file = new URL('tables.json', folder)
    if (!existsSync(file) && !process.env.CI) writeFileSync(file, `${JSON.stringify(tables, null, 2)}\n`)
    expect(tables).toEqual(JSON.parse(readFileSync(file, 'utf8')))
  })
}
