import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Running, startLandfall } from '../support/landfall.ts'
import { landfall } from './run-cli.ts'

const GAME = 'examples/game/pipeline.ts'
const pipeline = resolve(import.meta.dirname, '../..', GAME)
let running: Running
const swap = (...args: string[]) => landfall(['swap', pipeline, ...args, '--data', running.data])

beforeAll(async () => {
  running = await startLandfall(GAME)
  for (let i = 0; i < 20; i++) {
    for (const path of ['purchase_a_sword/sabre', 'join_guild/grubs', ''])
      expect((await fetch(`${running.http}/${path}`)).status).toBe(200)
  }
  await running.query('select count(*) from events')
})

afterAll(async () => {
  await running.stop()
  rmSync(running.data, { recursive: true, force: true })
})

test('a rehearsal beside a running pipeline says what was landed and compared, and changes nothing', async () => {
  const { code, stdout, stderr } = await swap('lander=duckdb:', '--dry-run')
  expect({ code, stderr }).toMatchObject({ code: 0 })
  expect(stderr).toMatch(/^rehearsing on 60 offsets \(partition 0: 0 to 59\)$/m)
  expect(stdout).toMatch(/^ duckdb: \(now\) \| +[0-9.]+ \| +\d+ \| +60 \| +0 \| +0$/m)
  expect(stdout).toMatch(/^ purchases +\| +20 \| +20 \| ([0-9a-f]{16}) +\| \1 +\| equal$/m)
  expect(stdout).toMatch(/^ members_per_guild +\| +1 \| +1 \| equal$/m)
  expect(stdout).toMatch(/equal: nothing was handed over \(--dry-run\), duckdb: goes on\n$/)
  expect(await running.query('show tables')).toHaveLength(8)
  expect(await running.query('select count(*) as n from events')).toEqual([{ n: 60 }])
})

test('the newest part of the log alone can be rehearsed, and told as JSON', async () => {
  const { code, stdout } = await swap('lander=duckdb:', '--dry-run', '--records', '10', '--json')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ handedOver: false, rehearsal: { records: 10, equal: true } })
})

test.each([
  ['the lander in charge', ['lander=duckdb:'], 1, /duckdb: is the lander in charge already/],
  ['an unknown lander', ['lander=flink://127.0.0.1:1'], 1, /no lander for "flink:\/\/127\.0\.0\.1:1"/],
  ['another room', ['log=kafka://127.0.0.1:9092/events'], 2, /only the lander can be swapped/],
  ['no URL', ['duckdb'], 2, /expected lander=URL/],
  [
    'a wrong number',
    ['lander=duckdb:', '--dry-run', '--records', 'many'],
    2,
    /--records many: expected a number/,
  ],
])('%s is refused in one line, and nothing is handed over', async (_name, args, expected, message) => {
  const { code, stderr } = await swap(...args)
  expect({ code, stderr }).toMatchObject({ code: expected, stderr: expect.stringMatching(message) })
  expect(stderr).not.toMatch(/^ {4}at /m)
  expect((await swap('lander=duckdb:')).stderr).toMatch(/in charge already/)
})
