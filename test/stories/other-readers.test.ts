import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { expect, test } from 'vitest'
import { startLandfall, temporaryFolder, until } from '../support/landfall.ts'
import { findPython, loadIcebergExtension } from '../support/python.ts'

for (const [example, load] of [
  [
    'game',
    [
      '/purchase_a_sword/sabre',
      '/purchase_a_shield/buckler',
      '/join_guild/grubs',
      '/leave_guild/nobody',
      '/',
    ],
  ],
  ['bank', ['/return_price']],
] as const) {
  test(`pyiceberg and DuckDB's iceberg extension attach to the ${example} and count its rows as our SQL does`, async (context) => {
    const python = await findPython()
    if ('missing' in python) return context.skip(python.missing)
    const data = temporaryFolder()
    const landfall = await startLandfall(`examples/${example}/pipeline.ts`, { data })
    try {
      for (let round = 0; round < 40; round++) {
        for (const path of load) expect((await fetch(landfall.http + path)).status).toBe(200)
      }
      const bad = '{"event_id":"no-type"}'
      expect((await fetch(`${landfall.http}/v1/events`, { method: 'POST', body: bad })).status).toBe(200)
      const tables = readdirSync(join(data, 'lake', 'default'))
      const ours = new Map<string, number>()
      for (const table of tables) {
        const [row] = await landfall.query(`select count(*) as n from ${table}`)
        ours.set(table, row!.n as number)
      }
      expect(ours.get('events')).toBe(40 * load.length)
      expect(ours.get('dead_letters')).toBe(1)

      const landed = () => {
        const file = join(data, 'lander', 'status.json')
        // The lander may not have written it yet.
        if (!existsSync(file)) return undefined
        const status = JSON.parse(readFileSync(file, 'utf8'))
        return (status as { position: { next: Record<number, number> } }).position.next[0]
      }
      await until('everything to be landed', () => landed() === 40 * load.length + 1)
      const uri = `${landfall.sql}/iceberg`
      const counts = (await python.runJson('read_catalog.py', [], {
        catalog: { type: 'rest', uri },
        requests: tables.map((table) => ({ op: 'count', table })),
      })) as number[]
      expect(tables.map((table, i) => [table, counts[i]])).toEqual([...ours])
      const instance = await DuckDBInstance.create()
      const connection = await instance.connect()
      await loadIcebergExtension(connection, python)
      await connection.run(
        `ATTACH 'landfall' AS game (TYPE iceberg, ENDPOINT '${uri}', AUTHORIZATION_TYPE 'none')`,
      )
      for (const table of tables) {
        const reader = await connection.runAndReadAll(
          `SELECT count(*)::INTEGER FROM game."default"."${table}"`,
        )
        expect({ table, duckdb: reader.getRows()[0]![0] }).toEqual({ table, duckdb: ours.get(table) })
      }
      connection.closeSync()
      instance.closeSync()
    } finally {
      await landfall.stop()
      rmSync(data, { recursive: true, force: true })
    }
  }, 180_000)
}
