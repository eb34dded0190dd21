/**
 * A real Trino 476 for tests, one per test run, with the catalogs that a test attaches.
 *
 *   const trino = await findTrino({ lake: { connector: 'iceberg', 'iceberg.catalog.type': 'rest', … } })
 *   test('…', async ({ skip }) => {
 *     if ('missing' in trino) return skip(trino.missing)
 *     const { columns, rows, error } = await trino.query('SELECT count(*) FROM lake.default.events')
 *   })
 */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findUnpacked } from './artifacts.ts'
import { execute } from './cache.ts'
import { findJava } from './java.ts'
import { type EngineRecipe, freePort, shareEngine } from './shared-engine.ts'
import { type SessionOptions, type TrinoAnswer, TrinoSession } from './trino-client.ts'

const PLUGINS = ['iceberg', 'memory', 'tpch']

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
  const java = findJava({ min: 24 })
  if (typeof java !== 'string') return { missing: `Trino 476: ${java.missing}` }
  const home = await findTrinoHome()
  if (typeof home !== 'string') return home
  const running = await shareEngine(trinoRecipe(java, home))
  if ('missing' in running) return running
  const trino = describe(running.url)
  for (const [name, properties] of Object.entries(catalogs)) await trino.attach(name, properties)
  return trino
}

/** Trino unpacked, without the plugins that no test needs: fewer make the start faster. */
export function findTrinoHome(): Promise<string | { missing: string }> {
  return findUnpacked('trino-server', PLUGINS.join(), async (archive, directory) => {
    // Jars that plugins share are links in the archive, so it is unpacked whole.
    const whole = join(directory, 'whole')
    mkdirSync(whole)
    await execute('unpacking Trino', 'tar', ['-xzf', archive, '-C', whole, '--strip-components=1'])
    renameSync(join(whole, 'lib'), join(directory, 'lib'))
    mkdirSync(join(directory, 'plugin'))
    for (const name of readdirSync(join(whole, 'plugin')).filter((plugin) => PLUGINS.includes(plugin)))
      renameSync(join(whole, 'plugin', name), join(directory, 'plugin', name))
    rmSync(whole, { recursive: true })
  })
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

function trinoRecipe(java: string, home: string): EngineRecipe<{ url: string }> {
  return {
    name: 'trino',
    async prepare(directory) {
      const port = await freePort()
      const url = `http://127.0.0.1:${port}`
      const config = join(directory, 'config.properties')
      mkdirSync(join(directory, 'data'))
      writeFileSync(config, configOf(url, port, home))
      writeFileSync(join(directory, 'log.properties'), 'io.trino=WARN\nBootstrap=WARN\n')
      return { command: [java, ...javaArguments(directory, config, home)], state: { url } }
    },
    // `/v1/info` says "started" two seconds before the node may be asked.
    async isReady({ url }) {
      const answers = async (sql: string) => (await new TrinoSession(url).query(sql)).error === undefined
      return (
        (await answers('SELECT 1 FROM system.runtime.nodes')) &&
        (await answers('CREATE CATALOG IF NOT EXISTS memory USING memory')) &&
        (await answers('CREATE CATALOG IF NOT EXISTS tpch USING tpch'))
      )
    },
  }
}

const configOf = (url: string, port: number, home: string) => `coordinator=true
node-scheduler.include-coordinator=true
node.internal-address=127.0.0.1
http-server.http.port=${port}
discovery.uri=${url}
plugin.dir=${home}/plugin
catalog.management=dynamic
catalog.store=memory
query.max-memory=512MB
query.max-memory-per-node=512MB
memory.heap-headroom-per-node=128MB
`

const javaArguments = (directory: string, config: string, home: string) => [
  '-Xmx1G',
  '-XX:+UseSerialGC',
  '-XX:+ExitOnOutOfMemoryError',
  '-XX:ReservedCodeCacheSize=128M',
  '-Djdk.attach.allowAttachSelf=true',
  '--add-modules=jdk.incubator.vector',
  '--add-opens=java.base/java.nio=ALL-UNNAMED',
  '--sun-misc-unsafe-memory-access=allow',
  '--enable-native-access=ALL-UNNAMED',
  `-Dconfig=${config}`,
  '-Dnode.id=test',
  '-Dnode.environment=test',
  `-Dnode.data-dir=${join(directory, 'data')}`,
  `-Dlog.levels-file=${join(directory, 'log.properties')}`,
  '-cp',
  join(home, 'lib', '*'),
  'io.trino.server.TrinoServer',
]
