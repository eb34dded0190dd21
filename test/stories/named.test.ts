import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { landfall } from '../cli/run-cli.ts'
import { projectRoot, type Running, startLandfall, temporaryFolder } from '../support/landfall.ts'

/** Views and reference files of a pipeline, through all the processes. */
const folder = temporaryFolder()
const pipeline = join(folder, 'pipeline.ts')
let running: Running

beforeAll(async () => {
  cpSync(join(projectRoot, 'examples/game'), folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  running = await startLandfall(pipeline)
})

afterAll(async () => {
  await running?.stop()
  rmSync(folder, { recursive: true, force: true })
  if (running) rmSync(running.data, { recursive: true, force: true })
})

const SOLD = "SELECT item, price, sold FROM sales WHERE kind = 'sword' AND sold > 0"

test('views and files of the pipeline are asked like tables, while it runs and without it', async () => {
  for (let i = 0; i < 3; i++) await fetch(`${running.http}/purchase_a_sword/sabre`)
  expect(await running.query(SOLD)).toEqual([{ item: 'sabre', price: 6, sold: 3 }])
  expect(await running.query('SELECT count(*) AS n FROM hive.default.prices')).toEqual([{ n: 25 }])
  const tables = await running.query(
    "SELECT table_name, table_type FROM information_schema.tables WHERE table_name IN ('prices', 'sales') ORDER BY 1",
  )
  expect(tables).toEqual([
    { table_name: 'prices', table_type: 'BASE TABLE' },
    { table_name: 'sales', table_type: 'VIEW' },
  ])
  expect(await running.stop()).toBe(0)
  const ended = await landfall(['sql', '--data', running.data, '--json', SOLD], { cwd: folder })
  expect(JSON.parse(ended.stdout)).toEqual([{ item: 'sabre', price: 6, sold: 3 }])
}, 60_000)

const definition = (named: string) => `import { definePipeline, Type } from 'landfall'
export default definePipeline({ name: 'game', events: { a: Type.Object({}) }, tables: { t: { events: ['a'] } }, ${named} })\n`

test.each([
  ["views: { v: 'SELECT nothing FROM t' }", /model\/view: views\.v: .*nothing/],
  ["views: { v: 'SELECT * FROM t WHERE' }", /model\/view: views\.v: /],
  ["views: { v: 'SELECT * FROM w', w: 'SELECT * FROM v' }", /views\.v: .*v → w → v/],
  ["views: { t: 'SELECT 1' }", /model\/name-clash: views\.t: there is a table of that name/],
  ["views: { purchases: 'SELECT 1' }", /name-clash: views\.purchases: .*earlier pipeline/],
  ["reference: { f: { file: './none.csv' } }", /model\/reference: reference\.f: .*ENOENT/],
  ["reference: { f: { file: '../secret.csv' } }", /must lie beside the pipeline file/],
  ["reference: { f: { file: '/etc/passwd.csv' } }", /must lie beside the pipeline file/],
  ["reference: { f: { file: './prices.csv', columns: { cost: 'bigint' } } }", /reference\.f: .*cost/],
  ["reference: { f: { file: './prices.csv', columns: { price: 'bigin' } } }", /Did you mean "bigint"/],
  ["reference: { f: { file: './prices.txt' } }", /expected the path of a \.csv or \.parquet file/],
])(
  'landfall check refuses %s',
  async (named, message) => {
    writeFileSync(join(folder, 'wrong.ts'), definition(named))
    const ended = await landfall(['check', join(folder, 'wrong.ts'), '--data', running.data])
    expect(ended.stderr).toMatch(message)
    expect(ended.code).toBe(1)
  },
  30_000,
)

test('so does the start', async () => {
  writeFileSync(join(folder, 'wrong.ts'), definition("views: { v: 'SELECT nothing FROM t' }"))
  await expect(startLandfall(join(folder, 'wrong.ts'))).rejects.toThrow(/model\/view: views\.v/)
}, 60_000)
