/**
 * A writer in a process of its own.
 *
 *   append ROOT WRITER COUNT   appends COUNT files of 3 rows beside other writers: each takes the position it finds
 *   land ROOT                  lands batches of 10 rows from the table's position until it is killed; prints each position
 *   maintain ROOT COUNT        runs maintenance COUNT times
 */
import { DuckDBInstance } from '@duckdb/node-api'
import { isLandfallError } from '../../src/base/errors.ts'
import { openFileCatalog } from '../../src/catalog/drivers/file.ts'
import { openLake } from '../../src/lake/iceberg-lake.ts'
import { openLocalStorage } from '../../src/storage/drivers/local.ts'
import { land, positionAt, purchaseRows } from './support.ts'

const [mode, root, ...rest] = process.argv.slice(2)
const storage = openLocalStorage(root!)
const lake = openLake({ storage, catalog: openFileCatalog(storage), settings: { snapshotsMax: 20 } })
const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()

async function append(writer: number, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    let state = (await lake.load('purchases'))!
    const add = await lake.writeFiles(connection, state, purchaseRows(writer * 1000 + i * 3, 3))
    for (;;) {
      try {
        const next = (state.position?.next[0] ?? 0) + 3
        const expect = { position: state.position, epoch: state.epoch }
        await lake.commit('purchases', { add, expect, position: positionAt(next), batch: state.batch + 1 })
        break
      } catch (error) {
        if (!isLandfallError(error, 'lake/position-moved')) throw error
        state = (await lake.load('purchases'))!
      }
    }
  }
}

if (mode === 'append') await append(Number(rest[0]), Number(rest[1]))
if (mode === 'maintain') {
  for (let i = 0; i < Number(rest[0]); i++) await lake.maintain(connection, 'purchases')
}
if (mode === 'land') {
  for (;;) {
    const state = (await lake.load('purchases'))!
    const from = state.position?.next[0] ?? 0
    await land({ lake, connection }, state, purchaseRows(from, 10), from + 10)
    process.stdout.write(`${from + 10}\n`)
    if (from % 200 === 0) await lake.maintain(connection, 'purchases')
  }
}
