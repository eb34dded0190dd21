import { afterEach, expect, test, vi } from 'vitest'
import { loadTrinoGrammar } from '../../src/sql/drivers/duckdb/dialect/trino-grammar.ts'

afterEach(() => vi.restoreAllMocks())

test('a statement does not become too complex because the machine is busy meanwhile', async () => {
  const { parse } = await loadTrinoGrammar()
  // A process that is not let run for seconds between any two looks at the clock.
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => (now += 10_000))
  expect(parse('SELECT host, count(*) FROM purchases GROUP BY host').rule).toBe('singleStatement')
})
