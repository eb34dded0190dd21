/** A reader that takes its time finds the files of what it loaded, although the table has moved on and was cleaned meanwhile. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAccess } from '../../../src/base/access.ts'
import { createIcebergDoor } from '../../../src/catalog/wire/iceberg-rest/door.ts'
import { land, openTestLake, purchaseRows, purchases, type TestLake, tableFiles } from '../../lake/support.ts'
import { findPython } from '../../support/python.ts'

const MINUTE = 60_000
const python = await findPython()
let lake: TestLake
const server = createServer()
let uri: string

beforeAll(async () => {
  lake = await openTestLake()
  const door = createIcebergDoor({ catalog: lake.lake.catalog, access: createAccess(null), prefix: '' })
  server.on('request', (request, response) => void door(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await lake[Symbol.asyncDispose]()
})

/** Loads the table now and reads it whenever it is told to. */
function openReader(executable: string) {
  const script = `
import sys
from pyiceberg.catalog import load_catalog
table = load_catalog("x", type="rest", uri="${uri}").load_table("default.purchases")
print("loaded", flush=True)
for _ in sys.stdin:
    try:
        print(table.scan().to_arrow().num_rows, flush=True)
    except Exception as error:
        print(type(error).__name__, flush=True)
`
  const child = spawn(executable, ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => (await lines.next()).value
  return {
    loaded: next,
    read: async () => {
      child.stdin.write('\n')
      return next()
    },
    end: () => child.stdin.end(),
  }
}

test('files of a snapshot that a reader loaded stay for 15 minutes after it expired', async ({ skip }) => {
  if ('missing' in python) return skip(python.missing)
  let state = await lake.lake.ensure(purchases)
  for (let i = 0; i < 10; i++) state = await land(lake, state, purchaseRows(i * 10, 10), (i + 1) * 10)
  const reader = openReader(python.executable)
  expect(await reader.loaded()).toBe('loaded')
  const old = await tableFiles(lake, 'purchases', 'data')
  const maintainAt = async (minutes: number) => {
    lake.aheadMs = minutes * MINUTE
    await lake.lake.maintain(lake.connection, 'purchases')
  }
  // The small files become one; an hour later no snapshot names them any more.
  await maintainAt(0)
  await maintainAt(61)
  expect((await lake.lake.load('purchases'))!.metadata.snapshots).toHaveLength(1)
  await maintainAt(75)
  expect(await tableFiles(lake, 'purchases', 'data')).toEqual(expect.arrayContaining(old))
  expect(await reader.read()).toBe('100')
  await maintainAt(81)
  expect(await reader.read()).toBe('FileNotFoundError')
  reader.end()
  const fresh = openReader(python.executable)
  expect([await fresh.loaded(), await fresh.read()]).toEqual(['loaded', '100'])
  fresh.end()
})
