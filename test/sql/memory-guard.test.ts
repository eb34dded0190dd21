import { expect, test } from 'vitest'
import { MemoryGuard } from '../../src/sql/drivers/duckdb/memory-guard.ts'

const MEGABYTE = 1e6
const never = new AbortController().signal

async function waited(guard: MemoryGuard, signal = never): Promise<number> {
  const began = performance.now()
  await guard.room(signal)
  return performance.now() - began
}

test('whoever asks while the process is within its bound waits for nothing', async () => {
  expect(await waited(new MemoryGuard(100_000 * MEGABYTE))).toBeLessThan(100)
})

test('whoever asks while it is beyond waits for room, but not for ever, and not once cancelled', async () => {
  const guard = new MemoryGuard(1)
  expect(await waited(guard, AbortSignal.timeout(200))).toBeLessThan(1_500)
  const ms = await waited(guard)
  expect(ms).toBeGreaterThan(2_500)
  expect(ms).toBeLessThan(20_000)
})

test('mapped files do not count', async () => {
  // This process maps Node, DuckDB and more: 90 MB at least.
  const bound = process.memoryUsage.rss() - 20 * MEGABYTE
  expect(await waited(new MemoryGuard(bound))).toBeLessThan(100)
})
