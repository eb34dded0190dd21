import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { provideJars } from '../artifacts.ts'
import type { Engine, Place } from '../engine.ts'
import { execute } from '../execute.ts'
import { provideJava } from '../java.ts'
import { HADOOP_JARS } from './hadoop-jars.ts'

export interface HdfsState {
  /** What Hadoop clients (Spark, Trino, Hive) open: `hdfs://127.0.0.1:<rpc port>`. */
  url: string
  /** `host:port` of the NameNode's WebHDFS. */
  http: string
}

const NAMENODE = 'org.apache.hadoop.hdfs.server.namenode.NameNode'
const DATANODE = 'org.apache.hadoop.hdfs.server.datanode.DataNode'
const PROBE_MAX_MS = 2_000

/** A distributed file system of two nodes: the NameNode knows the names, the DataNode holds the blocks. */
export const hdfs: Engine<HdfsState> = {
  name: 'hdfs',
  title: 'Apache Hadoop HDFS 3.5.0',
  ports: { rpc: 8020, http: 9870, data: 9866, dataHttp: 9864, dataIpc: 9867 },
  memoryMb: 400,
  async provide(cache) {
    const java = provideJava('HDFS 3.5', { min: 17, max: 21 })
    const jars = await provideJars(cache, 'hadoop', HADOOP_JARS)
    return {
      async prepare({ directory, ports }) {
        const conf = join(directory, 'conf')
        writeConfiguration(conf, directory, ports)
        const start = [java, ...JVM, '-cp', `${conf}:${join(jars, '*')}`]
        if (!existsSync(join(directory, 'data/dfs/name/current'))) {
          const [command, ...args] = start as [string, ...string[]]
          await execute('formatting HDFS', command, [...args, NAMENODE, '-format', '-nonInteractive'])
        }
        return {
          processes: [
            { name: 'namenode', command: [...start, NAMENODE] },
            { name: 'datanode', command: [...start, DATANODE] },
          ],
          state: { url: `hdfs://127.0.0.1:${ports['rpc']}`, http: `127.0.0.1:${ports['http']}` },
        }
      },
      isReady: isHdfsReady,
    }
  },
  offer: ({ url, http }) => ({
    flags: { '--storage': `${url}/landfall?http=${http}` },
    addresses: { WebHDFS: http },
  }),
}

/** Out of safe mode, with a DataNode. Told by MBeans that are not cached: the metrics of the same name lag by 10 s. */
export async function isHdfsReady({ http }: HdfsState): Promise<boolean> {
  const bean = async (name: string) => {
    const url = `http://${http}/jmx?qry=Hadoop:service=NameNode,name=${name}`
    const answer = await fetch(url, { signal: AbortSignal.timeout(PROBE_MAX_MS) })
    return ((await answer.json()) as { beans: Record<string, unknown>[] }).beans[0]
  }
  const state = await bean('FSNamesystemState')
  return state?.['NumLiveDataNodes'] === 1 && (await bean('NameNodeInfo'))?.['Safemode'] === ''
}

const JVM = [
  '-Xmx256m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '--add-opens=java.base/java.lang=ALL-UNNAMED',
  '--add-opens=java.base/java.util=ALL-UNNAMED',
]

function writeConfiguration(conf: string, directory: string, ports: Place['ports']): void {
  // The jars carry no web pages; WebHDFS is a servlet and needs only that these folders are there.
  for (const name of ['hdfs', 'datanode']) mkdirSync(join(conf, 'webapps', name), { recursive: true })
  const address = (name: string) => `127.0.0.1:${ports[name]}`
  writeProperties(join(conf, 'core-site.xml'), {
    'fs.defaultFS': `hdfs://${address('rpc')}`,
    'hadoop.tmp.dir': join(directory, 'data'),
  })
  writeProperties(join(conf, 'hdfs-site.xml'), {
    'dfs.replication': '1',
    'dfs.permissions.enabled': 'false',
    'dfs.namenode.http-address': address('http'),
    'dfs.datanode.address': address('data'),
    'dfs.datanode.http.address': address('dataHttp'),
    'dfs.datanode.ipc.address': address('dataIpc'),
    'dfs.datanode.hostname': '127.0.0.1',
    'dfs.namenode.datanode.registration.ip-hostname-check': 'false',
    'dfs.namenode.safemode.extension': '0',
    // A DataNode that is gone is noticed after 14 s, not after 10 minutes.
    'dfs.heartbeat.interval': '1',
    'dfs.namenode.heartbeat.recheck-interval': '2000',
  })
  writeFileSync(join(conf, 'log4j.properties'), LOGGING)
}

const LOGGING = `log4j.rootLogger=WARN,console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.target=System.err
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{ISO8601} %p %c{2}: %m%n
`

function writeProperties(file: string, properties: Record<string, string>): void {
  const entries = Object.entries(properties).map(
    ([name, value]) => `<property><name>${name}</name><value>${value}</value></property>`,
  )
  writeFileSync(file, `<configuration>\n${entries.join('\n')}\n</configuration>\n`)
}
