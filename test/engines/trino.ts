/**
 * A real Trino 476 for tests, one per test run, with the catalogs that a test attaches.
 *
 *   const trino = await findTrino({ lake: { connector: 'iceberg', 'iceberg.catalog.type': 'rest', … } })
 *   test('…', async ({ skip }) => {
 *     if ('missing' in trino) return skip(trino.missing)
 *     const { columns, rows, error } = await trino.query('SELECT count(*) FROM lake.default.events')
 *   })
 */
import { trino } from '../../src/stack/engines/trino.ts'
import { shareEngine } from './shared-engine.ts'
import { type SessionOptions, type TrinoAnswer, TrinoSession } from './trino-client.ts'

/** Name → its connector and properties. `memory` and `tpch` are always there. */
export type Catalogs = Record<string, { connector: string } & Record<string, string>>

export interface Trino {
  url: string
  /** The whole answer of a statement. Names of tables are qualified: the session has no catalog. */
  query(sql: string): Promise<TrinoAnswer>
  session(options?: SessionOptions): TrinoSession
  /** Attaches a catalog; throws what Trino says against it. One of this name that another file left is replaced. */
  attach(name: string, properties: Catalogs[string]): Promise<void>
  detach(name: string): Promise<void>
}

/** Starts it, or finds the one that this run has started. Takes about 15 s the first time. */
export async function findTrino(catalogs: Catalogs = {}): Promise<Trino | { missing: string }> {
  const running = await shareEngine(trino)
  if ('missing' in running) return running
  const described = describe(running.url)
  for (const [name, properties] of Object.entries(catalogs)) await described.attach(name, properties)
  return described
}

function describe(url: string): Trino {
  const session = (options: SessionOptions = {}) => new TrinoSession(url, options)
  const run = async (sql: string) => {
    const { error } = await session().query(sql)
    if (error) throw new Error(`${error.name}: ${error.message}: ${sql}`)
  }
  const detach = (name: string) => run(`DROP CATALOG IF EXISTS ${name}`)
  return {
    url,
    session,
    query: (sql) => session().query(sql),
    detach,
    async attach(name, { connector, ...properties }) {
      const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`
      const list = Object.entries(properties).map(([key, value]) => `"${key}" = ${quoted(value)}`)
      await detach(name)
      const having = list.length > 0 ? ` WITH (${list.join(', ')})` : ''
      await run(`CREATE CATALOG ${name} USING ${connector}${having}`)
    },
  }
}
