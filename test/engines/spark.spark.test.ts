import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findSpark } from './spark.ts'

const spark = await findSpark()

test('a real Spark writes and reads an Iceberg table in a catalog that is attached at run time', async ({
  skip,
}) => {
  if ('missing' in spark) return skip(spark.missing)
  const warehouse = mkdtempSync(join(tmpdir(), 'landfall-test-'))
  try {
    await spark.attach('hadoop', { type: 'hadoop', warehouse })
    await spark.query("CREATE TABLE hadoop.d.t USING iceberg AS SELECT 1 AS a, 'ü' AS b")
    expect(await spark.query('SELECT * FROM hadoop.d.t')).toEqual({
      columns: [
        { name: 'a', type: 'int' },
        { name: 'b', type: 'string' },
      ],
      rows: [[1, 'ü']],
    })
    await expect(spark.query('SELECT bad FROM hadoop.d.t')).rejects.toThrow('UNRESOLVED_COLUMN')
  } finally {
    rmSync(warehouse, { recursive: true })
  }
})
