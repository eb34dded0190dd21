import { expect, test } from 'vitest'
import { replaceRelations } from '../../src/sql/replace-relations.ts'

const put = (name: string) => (name === 't' || name === 'u' ? `(${name.toUpperCase()})` : undefined)

test.for([
  ['SELECT * FROM t', 'SELECT * FROM (T) AS "t"'],
  ['SELECT t.a FROM T, u AS x (b), other', 'SELECT t.a FROM (T) AS "T", (U) AS x (b), other'],
  ['SELECT * FROM hive.default.t JOIN default.u x ON true', 'SELECT * FROM (T) AS "t" JOIN (U) x ON true'],
  ['SELECT * FROM system.jdbc.t, "t$files"', 'SELECT * FROM system.jdbc.t, "t$files"'],
  // A WITH hides a table behind it, and reads it itself; the name before it is still the table.
  ['WITH t AS (SELECT * FROM t) SELECT * FROM t', 'WITH t AS (SELECT * FROM (T) AS "t") SELECT * FROM t'],
  [
    'WITH a AS (SELECT * FROM u), u AS (SELECT * FROM a) SELECT * FROM u',
    'WITH a AS (SELECT * FROM (U) AS "u"), u AS (SELECT * FROM a) SELECT * FROM u',
  ],
  [
    'WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT * FROM t',
    'WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT * FROM t',
  ],
  [
    'SELECT (SELECT count(*) FROM (WITH t AS (SELECT 1) SELECT * FROM t) AS x), (SELECT 1 FROM t)',
    'SELECT (SELECT count(*) FROM (WITH t AS (SELECT 1) SELECT * FROM t) AS x), (SELECT 1 FROM (T) AS "t")',
  ],
  [
    "SELECT 't' AS t FROM t -- t\nWHERE t.t IN (SELECT t FROM u)",
    'SELECT \'t\' AS t FROM (T) AS "t" -- t\nWHERE t.t IN (SELECT t FROM (U) AS "u")',
  ],
  ['TABLE t', 'SELECT * FROM (T) AS "t"'],
  ['SELECT * FROM (TABLE u) AS x', 'SELECT * FROM (SELECT * FROM (U) AS "u") AS x'],
  ['SELECT * FROM t FOR VERSION AS OF 12345678901', 'SELECT * FROM t FOR VERSION AS OF 12345678901'],
] as const)('%s', async ([written, expected]) => {
  expect(await replaceRelations(written, put)).toBe(expected)
})

test('what is no question is refused', async () => {
  await expect(replaceRelations('DROP TABLE t', put)).rejects.toMatchObject({ code: 'sql/not-allowed' })
  await expect(replaceRelations('SELECT * FORM t', put)).rejects.toMatchObject({ code: 'sql/syntax' })
})
