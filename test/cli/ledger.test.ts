/** `landfall ledger` as a user runs it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startLandfall, until } from '../support/landfall.ts'
import { landfall } from './run-cli.ts'

test('the ledger closes while the pipeline runs and when it is down, and tells what was refused', async () => {
  const data = mkdtempSync(join(tmpdir(), 'landfall-ledger-'))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const running = await startLandfall('examples/game/pipeline.ts', { data, readyMs: 180_000 })
  const empty = await landfall(['ledger', '--data', data, '--commits'])
  expect(empty.stdout).toContain('There is no commit yet')
  for (const path of ['/', '/', '/nowhere']) await fetch(`${running.http}${path}`)
  const up = await landfall(['ledger', '--data', data, '--json'])
  expect(up).toMatchObject({ code: 0, stderr: '' })
  const sum = JSON.parse(up.stdout) as { topic: string; closes: boolean; total: Record<string, number> }
  expect(sum).toMatchObject({ topic: 'events', closes: true, findings: [] })
  expect(sum.total['accepted']).toBe(2)
  await until('the refusal is written', async () =>
    (await landfall(['ledger', '--data', data])).stdout.includes('collector/not-found'),
  )
  expect(await running.stop()).toBe(0)
  const down = await landfall(['ledger', '--data', data, '--commits'])
  expect(down).toMatchObject({ code: 0, stderr: '' })
  expect(down.stdout).toContain('2 accepted = 2 landed + 0 dead letters + 0 duplicates + 0 pending')
  expect(down.stdout).toMatch(/collector\/not-found +\| +404 +\| +1 +\| +0/)
  expect(down.stdout.trimEnd()).toMatch(/The ledger closes$/)
}, 300_000)

test('a ledger that does not close ends with 1', async () => {
  const data = mkdtempSync(join(tmpdir(), 'landfall-ledger-'))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const running = await startLandfall('examples/game/pipeline.ts', { data, readyMs: 180_000 })
  await fetch(`${running.http}/`)
  await running.stop()
  rmSync(join(data, 'log'), { recursive: true })
  expect((await landfall(['topics', '--create', '--data', data])).code).toBe(0)
  const ledger = await landfall(['ledger', '--data', data])
  expect(ledger.code).toBe(1)
  expect(ledger.stdout).toMatch(/The ledger does NOT close:\n {2}wrong-log: events stands in log /)
}, 300_000)

test('without data it is one line', async () => {
  const ledger = await landfall(['ledger', '--data', '/nonexistent'])
  expect(ledger).toMatchObject({ code: 1, stdout: '' })
  expect(ledger.stderr).toMatch(/^landfall: landfall\/no-data: there is no log in the data directory.*\n$/)
})
