/**
 * Hive's metastore, alone: 4.0.1, the newest that Maven Central has whole, and 3.1.3, the last that Presto can talk to (4.0 has no
 * `get_table` any more). Its database is an embedded Derby below its directory, with the schema made once, so a metastore that was killed and
 * started again in the same directory knows all tables. It makes folders for tables itself, so it must reach the storage: `file:` and `hdfs:`.
 *
 * Derby cannot compare the CLOBs that Hive 3 and later make of a table's parameters, and both Iceberg's check and `show tables` of Presto compare
 * them: the schema is made with long VARCHARs there. What the tar lacks: Hadoop's client, and commons-collections.
 * 3 s for the schema, 3 s to start, 260 MB.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type Artifact, provideJars, provideUnpacked } from '../artifacts.ts'
import type { EngineCache } from '../cache.ts'
import type { Engine, EngineRecipe } from '../engine.ts'
import { execute } from '../execute.ts'
import { provideJava } from '../java.ts'
import { HADOOP_JARS } from './hadoop-jars.ts'

export interface HiveState {
  /** `thrift://127.0.0.1:<port>` */
  url: string
}

interface Version {
  tar: Artifact
  /** In the tar's `scripts/metastore/upgrade/derby`. */
  schema: string
  schemaTool: string
}

const TOOLS = 'org.apache.hadoop.hive.metastore.tools'
const VERSIONS = {
  '4.0.1': {
    tar: {
      coordinates: 'org.apache.hive:hive-standalone-metastore-server:4.0.1:tar.gz:bin',
      sha256: 'ed96f577df0a4dc800648a7f941d832f42409f89fa4af10c9d7540c8a1f8e24b',
      bytes: 78_552_143,
    },
    schema: 'hive-schema-4.0.0.derby.sql',
    schemaTool: `${TOOLS}.schematool.MetastoreSchemaTool`,
  },
  '3.1.3': {
    tar: {
      coordinates: 'org.apache.hive:hive-standalone-metastore:3.1.3:tar.gz:bin',
      sha256: '83ddf76717eeb789091d845c069a631c25cad561c3d31ec0843a1ddf21f29409',
      bytes: 27_496_847,
    },
    schema: 'hive-schema-3.1.0.derby.sql',
    schemaTool: `${TOOLS}.MetastoreSchemaTool`,
  },
} satisfies Record<string, Version>

export type HiveVersion = keyof typeof VERSIONS

const COLLECTIONS = {
  coordinates: 'commons-collections:commons-collections:3.2.2:jar',
  sha256: 'eeeae917917144a68a741d4c0dff66aa5c5c5fd85593ff217bced3fc8ca783b8',
}
const PROBE_MAX_MS = 2_000

export const hive = hiveEngine('hive', '4.0.1')
export const hive3 = hiveEngine('hive3', '3.1.3')

function hiveEngine(name: string, version: HiveVersion): Engine<HiveState> {
  return {
    name,
    title: `Apache Hive metastore ${version}`,
    ports: { thrift: version === '4.0.1' ? 9083 : 9084 },
    memoryMb: 300,
    uses: ['hdfs'],
    provide: (cache) => provideHive(cache, VERSIONS[version]),
    // The older one is there for Presto's sake.
    offer: ({ url }) => ({ flags: { '--catalog': version === '4.0.1' ? url : `${url}?presto=true` } }),
  }
}

async function provideHive(cache: EngineCache, version: Version): Promise<EngineRecipe<HiveState>> {
  const java = provideJava('Hive metastore', { min: 17, max: 21 })
  const hadoop = await provideJars(cache, 'hive-hadoop', [...HADOOP_JARS, COLLECTIONS])
  const home = await provideUnpacked(cache, version.tar, 'varchar parameters', async (tar, directory) => {
    await execute('unpacking Hive', 'tar', ['-xzf', tar, '-C', directory, '--strip-components=1'])
    patchSchema(join(directory, 'scripts/metastore/upgrade/derby', version.schema))
  })
  return {
    async prepare({ directory, ports }) {
      const port = ports['thrift']!
      const conf = join(directory, 'conf')
      mkdirSync(conf, { recursive: true })
      writeConfiguration(conf, directory, port)
      // Hive's own jars come first: both have a Guava and a Jackson.
      const classPath = [conf, join(home, 'lib/*'), join(hadoop, '*')].join(':')
      const start = [java, ...JVM, `-Dlog4j.configurationFile=${join(conf, 'log4j2.properties')}`]
      start.push(`-Dderby.stream.error.file=${join(directory, 'derby.log')}`, `-Duser.dir=${directory}`)
      await makeSchema(directory, home, [...start, '-cp', classPath, version.schemaTool])
      const main = 'org.apache.hadoop.hive.metastore.HiveMetaStore'
      return {
        processes: [{ name: 'hive', command: [...start, '-cp', classPath, main, '-p', String(port)] }],
        state: { url: `thrift://127.0.0.1:${port}` },
      }
    },
    isReady: async ({ url }) => answers(Number(new URL(url).port)),
  }
}

/** Once. Half made (the machine went down), it is made again: the mark is set when all is there. */
async function makeSchema(directory: string, home: string, [java, ...tool]: string[]): Promise<void> {
  const [database, mark] = [join(directory, 'derby'), join(directory, 'derby.made')]
  if (existsSync(mark)) return
  rmSync(database, { recursive: true, force: true })
  await execute('making the schema of the metastore', java!, [...tool, '-dbType', 'derby', '-initSchema'], {
    env: { METASTORE_HOME: home },
  })
  writeFileSync(mark, '')
}

function patchSchema(file: string): void {
  copyFileSync(file, `${file}.orig`)
  const lines = readFileSync(file, 'utf8').split('\n')
  const patched = lines.map((line) =>
    line.startsWith('CREATE TABLE "APP"."TABLE_PARAMS"')
      ? line.replace('"PARAM_VALUE" CLOB', '"PARAM_VALUE" VARCHAR(32672)')
      : line,
  )
  if (patched.every((line, index) => line === lines[index]))
    throw new Error(`${file} is not as it was expected`)
  writeFileSync(file, patched.join('\n'))
}

/** Asks for the server's version (fb303 `getVersion`): a thrift message in a binary of 22 bytes. */
function answers(port: number): Promise<boolean> {
  const name = 'getVersion'
  const call = Buffer.alloc(4 + 4 + name.length + 4 + 1)
  call.writeUInt32BE(0x80010001, 0)
  call.writeUInt32BE(name.length, 4)
  call.write(name, 8)
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: PROBE_MAX_MS }, () => socket.write(call))
    const done = (is: boolean) => {
      socket.destroy()
      resolve(is)
    }
    socket.once('data', (answer) => done(answer.readUInt32BE(0) === 0x80010002))
    socket.once('error', () => done(false))
    socket.once('timeout', () => done(false))
    socket.once('close', () => done(false))
  })
}

const OPENS = ['lang', 'util', 'net', 'io', 'nio', 'util.concurrent', 'math', 'text', 'lang.reflect']
const JVM = [
  '-Xmx256m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:+ExitOnOutOfMemoryError',
  ...OPENS.map((name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`),
]

function writeConfiguration(conf: string, directory: string, port: number): void {
  const warehouse = `file:${join(directory, 'warehouse')}`
  const cleaner = 'org.apache.hadoop.hive.metastore.RuntimeStatsCleanerTask'
  const properties: Record<string, string> = {
    'metastore.thrift.uris': `thrift://127.0.0.1:${port}`,
    'metastore.thrift.port': String(port),
    'metastore.warehouse.dir': warehouse,
    'metastore.warehouse.external.dir': warehouse,
    'javax.jdo.option.ConnectionURL': `jdbc:derby:;databaseName=${join(directory, 'derby')};create=true`,
    'javax.jdo.option.ConnectionDriverName': 'org.apache.derby.jdbc.EmbeddedDriver',
    // The defaults of these name classes that the tar does not have.
    'metastore.task.threads.always': cleaner,
    'metastore.task.threads.remote': cleaner,
    'metastore.expression.proxy': 'org.apache.hadoop.hive.metastore.DefaultPartitionExpressionProxy',
    'metastore.compactor.initiator.on': 'false',
    'metastore.compactor.cleaner.on': 'false',
    'metastore.compactor.worker.threads': '0',
    'metastore.housekeeping.threads.on': 'false',
    'metastore.execute.setugi': 'false',
    'metastore.stats.autogather': 'false',
    'metastore.server.min.threads': '4',
  }
  const entries = Object.entries(properties).map(
    ([name, value]) => `<property><name>${name}</name><value>${value}</value></property>`,
  )
  writeFileSync(
    join(conf, 'metastore-site.xml'),
    `<configuration>\n${entries.join('\n')}\n</configuration>\n`,
  )
  writeFileSync(join(conf, 'log4j2.properties'), LOGGING)
}

const LOGGING = `appender.c.type=Console
appender.c.name=c
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=%d %p %c{2}: %m%n%throwable{8}
rootLogger.level=warn
rootLogger.appenderRef.c.ref=c
`
