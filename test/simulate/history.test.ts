/** `landfall simulate --backdate` and `--bad` against a pipeline that runs. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Summary } from '../../src/simulate/summary.ts'
import { landfall } from '../cli/run-cli.ts'
import { startLandfall, temporaryFolder, until } from '../support/landfall.ts'

const GAME = 'examples/game/pipeline.ts'

test('history lands at its own times, a second time not again, and bad events as dead letters', async () => {
  const data = temporaryFolder()
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const running = await startLandfall(GAME, { data, readyMs: 180_000 })
  onTestFinished(async () => void (await running.stop()))
  const simulate = async (...args: string[]) => {
    const ended = await landfall(['simulate', GAME, '--data', data, '--users', '100', '--json', ...args])
    expect(ended.code, ended.stderr).toBe(0)
    return JSON.parse(ended.stdout) as Summary
  }
  const sent = await simulate('--backdate', '10d', '--bad', '0.01')
  expect(sent.events!).toBeGreaterThan(1000)
  const bad = Object.values(sent.bad!).reduce((sum, count) => sum + count, 0)
  expect(bad).toBeGreaterThan(5)
  const one = async (sql: string) => Object.values((await running.query(sql))[0]!)[0]
  expect(await one('SELECT count(*) FROM events')).toBe(sent.events)
  expect(await one('SELECT count(*) FROM dead_letters')).toBe(bad - (sent.bad!['malformed_json'] ?? 0))
  expect(await one('SELECT count(DISTINCT date("timestamp")) FROM guilds')).toBeGreaterThanOrEqual(9)
  expect(
    await one(`SELECT count(*) FROM purchases WHERE "timestamp" < current_timestamp - interval '11' day`),
  ).toBe(0)
  expect(await one('SELECT count(*) FROM purchases WHERE host IS NULL')).toBe(0)

  const again = await simulate('--backdate', '10d')
  expect(again.events!).toBeGreaterThanOrEqual(sent.events!)
  // Between the two runs players went on: what is new is what came since.
  const fresh = again.events! - sent.events!
  await until('the second run is judged', async () => {
    const { stdout } = await landfall(['ledger', '--data', data, '--json'])
    return (JSON.parse(stdout) as { total: { pending: number } }).total.pending === 0
  })
  expect(await one('SELECT count(*) FROM events')).toBe(sent.events! + fresh)
  expect(await one(`SELECT count(*) FROM dead_letters WHERE reason = 'id_conflict'`)).toBe(0)
}, 300_000)

test('players of a pipeline that runs are answered, whatever mixture is asked for', async () => {
  const running = await startLandfall('examples/bank/pipeline.ts', { readyMs: 180_000 })
  onTestFinished(() => rmSync(running.data, { recursive: true, force: true }))
  onTestFinished(async () => void (await running.stop()))
  const bank = ['simulate', 'examples/bank/pipeline.ts', '--data', running.data]
  const played = await landfall([...bank, '--events', '300', '--bad', '0.05'])
  expect(played).toMatchObject({ code: 0 })
  expect(played.stdout).toMatch(/^Complete requests: +300\nFailed requests: +0\n/m)
  expect(played.stdout).toMatch(/^Bad events: .* type.*\(each answered as promised\)$/m)
  expect(played.stdout).toMatch(/^ {2}99% +\d+\.\d\d$/m)
  const rate = await landfall([...bank, '--duration', '1s', '--rate', '50', '--uniform', '--json'])
  const summary = JSON.parse(rate.stdout) as Summary
  expect(summary.complete).toBeGreaterThan(10)
  expect(summary.complete).toBeLessThanOrEqual(52)
}, 300_000)

test.for([
  [['--backdate', '30d'], /none of its sources takes the time from the event\. Write sources: \{.*trustTime/],
  [['--backdate', '10m'], /--backdate: at least an hour/],
  [['--backdate', 'soon'], /--backdate: expected a duration/],
  [['--bad', '1'], /--bad: expected a share from 0 to below 1/],
  [['--rounds', '2', '--uniform'], /--uniform and --rounds: choose one/],
  [['--duration', '0s'], /--duration: expected a duration/],
  [['--rate', 'fast'], /--rate: expected requests per second/],
] as const)('%j is refused in one line', async ([args, message]) => {
  const ended = await landfall([
    'simulate',
    'examples/game-simple/pipeline.ts',
    '--http',
    '127.0.0.1:9',
    ...args,
  ])
  expect(ended.code).toBe(2 - Number(message.source.startsWith('none')))
  expect(ended.stderr).toMatch(message)
  expect(ended.stderr.split('\n')).toHaveLength(2)
})

test('a handler that cannot do without its door is named', async () => {
  const folder = temporaryFolder()
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'pipeline.ts')
  writeFileSync(
    file,
    `import { definePipeline, Type } from 'landfall'
    export default definePipeline({
      name: 'shop', events: { looked: Type.Object({}) }, tables: { all: { events: '*' } },
      sources: { s: { trustTime: { past: '9d' } } },
      routes: { 'GET /look': () => { throw new Error('no database') } },
    })`,
  )
  const running = await startLandfall(file, { readyMs: 180_000 })
  onTestFinished(() => rmSync(running.data, { recursive: true, force: true }))
  onTestFinished(async () => void (await running.stop()))
  const ended = await landfall(['simulate', file, '--data', running.data, '--backdate', '5d'])
  expect(ended.code).toBe(1)
  expect(ended.stderr).toMatch(/simulate\/handler: running the handler of GET \/look for \/look: no database/)
}, 300_000)
