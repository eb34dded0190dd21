/**
 * PrestoDB 0.287, the last whose server is in Maven's central repository: one node over Hive's metastore 3.1 (it asks for `get_table`, which
 * 4.0 does not have). 2 GB to fetch, 0.8 GB unpacked: only what a lake needs is unpacked.
 *
 * It is made for Java 8 and 11; on 17 its ASM 9.0 does not know the classes of the JDK (*Unsupported class file major version 61*), so
 * ASM 9.7.1 takes its place in `lib` and in every plugin. 15 s to start, 600 MB.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { provideArtifacts, provideUnpacked } from '../artifacts.ts'
import type { EngineCache } from '../cache.ts'
import type { Engine } from '../engine.ts'
import { execute } from '../execute.ts'
import { provideJava } from '../java.ts'
import type { HiveState } from './hive.ts'

export interface PrestoState {
  url: string
}

const SERVER = {
  coordinates: 'com.facebook.presto:presto-server:0.287:tar.gz',
  sha256: 'c16ef78d56820a16fec6918a439b26121a78eb3cc50fdcd7bee93a1211347f8f',
  bytes: 2_075_958_558,
}
const PLUGINS = ['iceberg', 'hive-hadoop2', 'memory', 'tpch']
const ASM = [
  ['asm', '8cadd43ac5eb6d09de05faecca38b917a040bb9139c7edeb4cc81c740b713281'],
  ['asm-analysis', '85b29371884ba31bb76edf22323c2c24e172c3267a67152eba3d1ccc2e041ef2'],
  ['asm-commons', '9a579b54d292ad9be171d4313fd4739c635592c2b5ac3a459bbd1049cddec6a0'],
  ['asm-tree', '9929881f59eb6b840e86d54570c77b59ce721d104e6dfd7a40978991c2d3b41f'],
  ['asm-util', 'f885be71b5c90556f5f1ad1c4f9276b29b96057c497d46666fe4ddbec3cb43c6'],
].map(([name, sha256]) => ({ coordinates: `org.ow2.asm:${name}:9.7.1:jar`, sha256: sha256! }))
const PROBE_MAX_MS = 2_000

export const presto: Engine<PrestoState> = {
  name: 'presto',
  title: 'PrestoDB 0.287',
  ports: { http: 8088 },
  memoryMb: 800,
  uses: ['hdfs', 'hive3'],
  async provide(cache) {
    const java = provideJava('PrestoDB 0.287', { min: 17, max: 17 })
    const home = await provideHome(cache)
    return {
      async prepare({ directory, ports, engines }) {
        const url = `http://127.0.0.1:${ports['http']}`
        const config = writeConfiguration(
          directory,
          home,
          ports['http']!,
          engines['hive3'] as HiveState | undefined,
        )
        return {
          processes: [{ name: 'presto', command: [java, ...javaArguments(directory, config, home)] }],
          state: { url },
        }
      },
      async isReady({ url }) {
        const ask = async (path: string) => {
          const answer = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(PROBE_MAX_MS) })
          return (await answer.json()) as { starting?: boolean; activeWorkers?: number }
        }
        // It counts workers before it takes statements.
        if ((await ask('/v1/info')).starting !== false) return false
        return ((await ask('/v1/cluster')).activeWorkers ?? 0) > 0
      },
    }
  },
  offer: ({ url }) => ({ addresses: { Presto: url } }),
}

function provideHome(cache: EngineCache): Promise<string> {
  return provideUnpacked(cache, SERVER, `${PLUGINS.join()} asm 9.7.1`, async (archive, directory) => {
    const wanted = ['lib', ...PLUGINS.map((plugin) => `plugin/${plugin}`)].map((path) => `*/${path}`)
    const only = ['--strip-components=1', '--wildcards', ...wanted]
    await execute('unpacking Presto', 'tar', ['-xzf', archive, '-C', directory, ...only])
    const jars = await provideArtifacts(cache, ASM)
    const folders = [join(directory, 'lib'), ...PLUGINS.map((plugin) => join(directory, 'plugin', plugin))]
    for (const folder of folders) replaceAsm(folder, jars)
  })
}

function replaceAsm(folder: string, jars: readonly string[]): void {
  for (const old of readdirSync(folder).filter((name) => /^asm(-\w+)?-9\.0\.jar$/.test(name))) {
    const name = old.slice(0, -'-9.0.jar'.length)
    const jar = jars.find((path) => path.endsWith(`/${name}-9.7.1.jar`))!
    rmSync(join(folder, old))
    copyFileSync(jar, join(folder, `${name}-9.7.1.jar`))
  }
}

function writeConfiguration(
  directory: string,
  home: string,
  port: number,
  hive: HiveState | undefined,
): string {
  const catalogs = join(directory, 'etc/catalog')
  if (existsSync(catalogs)) rmSync(catalogs, { recursive: true })
  for (const folder of [catalogs, join(directory, 'data')]) mkdirSync(folder, { recursive: true })
  const write = (file: string, lines: Record<string, string | number>) => {
    const text = Object.entries(lines).map(([key, value]) => `${key}=${value}\n`)
    writeFileSync(join(directory, 'etc', file), text.join(''))
  }
  write('config.properties', {
    coordinator: 'true',
    'node-scheduler.include-coordinator': 'true',
    'http-server.http.port': port,
    'discovery-server.enabled': 'true',
    'discovery.uri': `http://127.0.0.1:${port}`,
    'plugin.dir': `${home}/plugin`,
    'catalog.config-dir': catalogs,
    'query.max-memory': '256MB',
    'query.max-memory-per-node': '256MB',
    'query.max-total-memory-per-node': '384MB',
    'memory.heap-headroom-per-node': '128MB',
  })
  write('log.properties', { 'com.facebook.presto': 'WARN' })
  write('catalog/tpch.properties', { 'connector.name': 'tpch' })
  if (hive !== undefined) {
    write('catalog/hive.properties', {
      'connector.name': 'iceberg',
      'iceberg.catalog.type': 'HIVE',
      'hive.metastore.uri': hive.url,
    })
  }
  return join(directory, 'etc/config.properties')
}

const OPENS = [
  'io',
  'lang',
  'lang.ref',
  'lang.reflect',
  'net',
  'nio',
  'security',
  'text',
  'time',
  'util',
  'util.concurrent',
  'util.concurrent.atomic',
  'util.regex',
].map((name) => `java.base/java.${name}`)
const MORE_OPENS = [
  'java.base/sun.nio.ch',
  'java.base/javax.security.auth',
  'java.base/javax.security.auth.login',
  'java.security.jgss/sun.security.krb5',
]

const javaArguments = (directory: string, config: string, home: string) => [
  '-Xmx1G',
  '-XX:+UseSerialGC',
  '-XX:+ExitOnOutOfMemoryError',
  '-Djdk.attach.allowAttachSelf=true',
  ...[...OPENS, ...MORE_OPENS].map((name) => `--add-opens=${name}=ALL-UNNAMED`),
  '--add-exports=java.management/sun.management=ALL-UNNAMED',
  `-Dconfig=${config}`,
  '-Dnode.id=landfall',
  '-Dnode.environment=landfall',
  '-Dnode.internal-address=127.0.0.1',
  `-Dnode.data-dir=${join(directory, 'data')}`,
  `-Dlog.levels-file=${join(directory, 'etc/log.properties')}`,
  '-cp',
  join(home, 'lib/*'),
  'com.facebook.presto.server.PrestoServer',
]
