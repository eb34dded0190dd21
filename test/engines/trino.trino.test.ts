import { expect, test } from 'vitest'
import { findTrino } from './trino.ts'

const trino = await findTrino()

test('a real Trino answers, attaches a catalog and keeps a session', async ({ skip }) => {
  if ('missing' in trino) return skip(trino.missing)
  expect(await trino.query('SELECT count(*) AS n, 9223372036854775807 AS big FROM tpch.tiny.nation')).toEqual(
    {
      columns: [
        { name: 'n', type: 'bigint' },
        { name: 'big', type: 'bigint' },
      ],
      rows: [[25, 9223372036854775807n]],
    },
  )
  const { error } = await trino.query('SELECT\n  bad')
  expect(error).toMatchObject({ name: 'COLUMN_NOT_FOUND', type: 'USER_ERROR', line: 2, column: 3 })
  await trino.attach('other', { connector: 'tpch', 'tpch.splits-per-node': '1' })
  const session = trino.session({ catalog: 'other', schema: 'tiny' })
  expect((await session.query('SELECT count(*) FROM region')).rows).toEqual([[5]])
  await session.query('PREPARE p FROM SELECT ? + 1')
  expect((await session.query('EXECUTE p USING 41')).rows).toEqual([[42]])
  await trino.detach('other')
})

test('one server serves the whole run', async ({ skip }) => {
  if ('missing' in trino) return skip(trino.missing)
  expect(await findTrino()).toMatchObject({ url: trino.url })
})
