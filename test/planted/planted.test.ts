import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { plant, ROOT } from './bug.ts'
import { BUGS, bugNamed } from './bugs/bugs.ts'
import { runPlanted } from './run-planted.ts'

// All of them are planted by `npm run test:faults -- --long`; here is what can be told at once, and three that are quick.

test('each planted bug fits to the source as it is, once', () => {
  expect(BUGS.length).toBeGreaterThanOrEqual(30)
  expect(new Set(BUGS.map(({ name }) => name)).size).toBe(BUGS.length)
  for (const bug of BUGS) {
    const source = readFileSync(join(ROOT, bug.file), 'utf8')
    expect(plant(bug, source)).not.toBe(source)
    expect(existsSync(join(ROOT, bug.check.file)), `${bug.name}: ${bug.check.file}`).toBe(true)
  }
})

test('a planted bug whose text is gone says so', () => {
  expect(() => plant(bugNamed('epoch-not-checked'), 'something else')).toThrow(
    /is 0 times in src\/lake\/table-state.ts/,
  )
})

test('bugs in the planted source are caught, and the same tests pass without them', {
  timeout: 900_000,
}, async () => {
  const quick = ['no-sync-of-a-file', 'window-off-by-one', 'half-of-a-bad-batch-taken'].map(bugNamed)
  const report = await runPlanted(quick)
  expect(report.missed).toEqual([])
  expect(report.caught).toBe(quick.length)
})
