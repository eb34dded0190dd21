import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { KillReport } from '../../src/verify/kill/run-kill.ts'
import { landfall } from '../cli/run-cli.ts'
import { temporaryFolder } from '../support/landfall.ts'
import { testSeed } from '../support/seed.ts'

function folder(): string {
  const path = temporaryFolder()
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test('a copy of a pipeline is killed, and every answered event is there once', {
  timeout: 600_000,
}, async () => {
  const temporary = folder()
  const home = folder()
  const seed = String(testSeed(42))
  const args = ['verify', resolve('examples/game/pipeline.ts'), '--kill', '2', '--seed', seed, '--json']
  // What the environment says is for the pipeline itself: the copy must not get near it.
  const env = { TMPDIR: temporary, LANDFALL_DATA: join(home, 'data'), LANDFALL_STORAGE: 's3://not/here' }
  const ended = await landfall(args, { cwd: home, env })
  expect(ended.stderr).toContain(`seed ${seed}`)
  expect(ended.code, ended.stderr + ended.stdout).toBe(0)
  const report = JSON.parse(ended.stdout) as KillReport
  expect(report).toMatchObject({ passed: true, data: null, audit: { lost: [], doubled: [] } })
  expect(report.kills).toHaveLength(2)
  expect(report.answered).toBeGreaterThan(0)
  const { accepted, landed, dead, duplicate, pending } = report.ledger.total
  expect([pending, landed + dead + duplicate]).toEqual([0, accepted])
  expect(report.audit.ids).toBe(landed + dead)
  expect(report.answered).toBeLessThanOrEqual(report.audit.ids)
  // Nothing is left of it, and nothing was made where the pipeline itself would be.
  expect([readdirSync(temporary), readdirSync(home)]).toEqual([[], []])
})

test('a pipeline that cannot run is told in one line, and leaves nothing behind', async () => {
  const temporary = folder()
  const file = join(folder(), 'pipeline.ts')
  writeFileSync(
    file,
    "import { definePipeline } from 'landfall'\nexport default definePipeline({ name: 'x', events: {} })\n",
  )
  const ended = await landfall(['verify', file, '--kill', '1'], { env: { TMPDIR: temporary } })
  expect([ended.code, ended.stdout]).toEqual([1, ''])
  expect(ended.stderr.trimEnd().split('\n').at(-1)).toMatch(/^landfall: /)
  expect(readdirSync(temporary)).toEqual([])
})

test('mistakes of the command line', async () => {
  for (const [args, said] of [
    [['--kill', '0'], /--kill: expected a whole number from 1 to 1000, found "0"/],
    [['--kill', '2', '--seed', 'x'], /--seed: expected a whole number/],
  ] as const) {
    const ended = await landfall(['verify', 'examples/game/pipeline.ts', ...args])
    expect([ended.code, ended.stdout]).toEqual([2, ''])
    expect(ended.stderr).toMatch(said)
  }
})
