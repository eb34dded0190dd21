/** What `landfall tables` and `landfall describe` print of a server over a `Landing` with 20 committed records. */
import { expect } from 'vitest'
import { landfall } from '../../cli/run-cli.ts'

export async function expectTablesOf(url: string, timestamp: string): Promise<void> {
  const tables = await landfall(['tables', '--json', '--sql', url])
  expect(tables.stderr).toBe('')
  const about = { files: 1, bytes: expect.any(Number), snapshot: expect.stringMatching(/^\d+$/) }
  const committed = expect.stringMatching(/^\d{4}-.*Z$/)
  const shown = (table: string, rows: number) => ({ table, rows, ...about, committed, position: { 0: 20 } })
  expect(JSON.parse(tables.stdout)).toEqual([
    shown('events', 20),
    shown('guilds', 10),
    shown('purchases', 10),
  ])
  const described = await landfall(['describe', 'purchases', '--json', '--sql', url])
  expect(JSON.parse(described.stdout)).toMatchObject({
    table: 'purchases',
    columns: expect.arrayContaining([
      { column: 'timestamp', type: timestamp },
      { column: 'cost', type: 'bigint' },
    ]),
  })
  const unknown = await landfall(['describe', 'purchasses', '--sql', url])
  expect(unknown).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^landfall: sql\/unknown-table: .* Did you mean purchases\?\n$/),
  })
}
