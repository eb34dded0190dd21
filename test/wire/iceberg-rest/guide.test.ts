/** The guide's blocks for pyiceberg and DuckDB run as they stand; those of Spark and Trino attach the readers of their own tests. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findPython, loadIcebergExtension } from '../../support/python.ts'
import { guideBlock } from './guide.ts'
import { type Lakehouse, openLakehouse } from './open-lakehouse.ts'

const python = await findPython()
let house: Lakehouse
beforeAll(async () => {
  house = await openLakehouse()
  const event = (id: string) =>
    `SELECT '${id}' AS event_id, 0::INTEGER AS "partition", 0::BIGINT AS "offset", now() AS received_at, 'purchase_sword' AS event_type, '{}' AS raw_event`
  await house.land('events', event('a'))
  await house.land('events', event('b'))
})
afterAll(() => house[Symbol.asyncDispose]())

test('the block for pyiceberg', async ({ skip }) => {
  if ('missing' in python) return skip(python.missing)
  const { stdout } = await promisify(execFile)(python.executable, [
    '-c',
    guideBlock('pyiceberg', 'python', house),
  ])
  expect(stdout).toBe('2\n1\n')
})

test('the block for DuckDB', async ({ skip }) => {
  if ('missing' in python) return skip(python.missing)
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await loadIcebergExtension(connection, python)
  const [install, ...statements] = guideBlock('DuckDB', 'sql', house).trim().split('\n')
  expect(install).toBe('INSTALL iceberg; LOAD iceberg;')
  const answers: unknown[] = []
  for (const sql of statements) answers.push((await connection.runAndReadAll(sql)).getRowsJson())
  expect(answers.slice(1)).toEqual([[['purchase_sword', '2']], [['2']]])
  connection.closeSync()
  instance.closeSync()
})
