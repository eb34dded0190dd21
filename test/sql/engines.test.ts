import { afterAll, beforeAll, describe } from 'vitest'
import { createAccess } from '../../src/base/access.ts'
import { openDuckdbEngine } from '../../src/sql/drivers/duckdb/duckdb-engine.ts'
import { openTrinoEngine } from '../../src/sql/drivers/trino.ts'
import type { SqlEngine } from '../../src/sql/sql.ts'
import { openSqlServer, type SqlServer } from '../../src/sql/wire/trino/server.ts'
import { engineSuite } from '../conformance/engine-suite.ts'
import { Landing } from './support/landing.ts'

let landing: Landing
let engine: SqlEngine
let server: SqlServer
let remote: SqlEngine

beforeAll(async () => {
  landing = await Landing.open()
  await landing.append(20)
  await landing.chunk(8)
  await landing.commit(8)
  await landing.chunk(15)
  await landing.chunk(20)
  engine = await openDuckdbEngine({
    lake: landing.lake,
    log: landing.log,
    spoolDirectory: landing.spoolDirectory,
  })
  server = await openSqlServer({ engine, host: '127.0.0.1', port: 0, access: createAccess('secret-1') })
  remote = openTrinoEngine(server.url, { token: 'secret-1' })
})

afterAll(async () => {
  await remote?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
  await engine?.[Symbol.asyncDispose]()
  await landing?.close()
})

describe('DuckDB', () => engineSuite(() => ({ engine })))
describe('Trino protocol, client and server', () => engineSuite(() => ({ engine: remote })))
