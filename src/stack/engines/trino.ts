/** Trino 476, the last whose server is in Maven's central repository: one node, without the plugins that a lake does not need. */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { provideUnpacked } from '../artifacts.ts'
import type { EngineCache } from '../cache.ts'
import type { Engine } from '../engine.ts'
import { execute } from '../execute.ts'
import { provideJava } from '../java.ts'
import { runStatement } from '../statement.ts'
import { createCatalogs, lakeCatalogs, type TrinoCatalogs } from './trino-catalogs.ts'

export interface TrinoState {
  url: string
  /** Those of the engines beside it, and `memory` and `tpch`: name → connector and properties. */
  catalogs: TrinoCatalogs
}

const SERVER = {
  coordinates: 'io.trino:trino-server:476:tar.gz',
  sha256: 'cfd5accde17e8ebd251eeeb78aed1f490e77bb3a164d95a0f454bf8a7c1cbd3f',
  bytes: 860_000_000,
}
/** Fewer make the start faster. */
const PLUGINS = ['iceberg', 'memory', 'tpch']

export const trino: Engine<TrinoState> = {
  name: 'trino',
  title: 'Trino 476',
  // Not 8080, its own: there Landfall serves SQL.
  ports: { http: 8085 },
  memoryMb: 1100,
  uses: ['versitygw', 'hdfs', 'iceberg-rest', 'hive'],
  async provide(cache) {
    const java = provideJava('Trino 476', { min: 24 })
    const home = await provideHome(cache)
    return {
      async prepare({ directory, ports, engines }) {
        const url = `http://127.0.0.1:${ports['http']}`
        const config = join(directory, 'config.properties')
        mkdirSync(join(directory, 'data'), { recursive: true })
        writeFileSync(config, configOf(url, ports['http']!, home))
        writeFileSync(join(directory, 'log.properties'), 'io.trino=WARN\nBootstrap=WARN\n')
        const command = [java, ...javaArguments(directory, config, home)]
        return {
          processes: [{ name: 'trino', command }],
          state: { url, catalogs: { ...lakeCatalogs(engines), ...SMALL_CATALOGS } },
        }
      },
      // `/v1/info` says "started" two seconds before the node may be asked.
      async isReady({ url, catalogs }) {
        await runStatement(url, 'SELECT 1 FROM system.runtime.nodes')
        for (const statement of createCatalogs(catalogs)) await runStatement(url, statement)
        return true
      },
    }
  },
  offer: ({ url, catalogs }) => ({
    ...(hasLake(catalogs) && {
      sql: `trino://landfall@${new URL(url).host}/${Object.keys(catalogs)[0]}/default`,
    }),
    addresses: { 'Web page': url },
  }),
}

const SMALL_CATALOGS: TrinoCatalogs = { memory: { connector: 'memory' }, tpch: { connector: 'tpch' } }

const hasLake = (catalogs: TrinoCatalogs) => Object.keys(catalogs).length > Object.keys(SMALL_CATALOGS).length

function provideHome(cache: EngineCache): Promise<string> {
  return provideUnpacked(cache, SERVER, PLUGINS.join(), async (archive, directory) => {
    // Jars that plugins share are links in the archive, so it is unpacked whole.
    const whole = join(directory, 'whole')
    mkdirSync(whole)
    const what = 'unpacking Trino'
    await execute(what, 'tar', ['-xzf', archive, '-C', whole, '--strip-components=1'], {
      onTick: (elapsedMs) => cache.report({ what, elapsedMs }),
    })
    renameSync(join(whole, 'lib'), join(directory, 'lib'))
    mkdirSync(join(directory, 'plugin'))
    for (const name of readdirSync(join(whole, 'plugin')).filter((plugin) => PLUGINS.includes(plugin)))
      renameSync(join(whole, 'plugin', name), join(directory, 'plugin', name))
    rmSync(whole, { recursive: true })
  })
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
  '-Dnode.id=landfall',
  '-Dnode.environment=landfall',
  `-Dnode.data-dir=${join(directory, 'data')}`,
  `-Dlog.levels-file=${join(directory, 'log.properties')}`,
  '-cp',
  join(home, 'lib', '*'),
  'io.trino.server.TrinoServer',
]
