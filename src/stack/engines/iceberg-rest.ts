/**
 * The reference server of Iceberg's REST catalog. Which tables there are stands in `catalog.db` (SQLite), so a server that was killed and
 * started again in the same directory knows them all. It writes the metadata files itself, so it must reach the storage: `file:` and `hdfs:`
 * always, S3 where it runs beside (`uses`).
 *
 * It answers without asking who is there. 1.5 s to start, 120 MB.
 */
import { join } from 'node:path'
import { provideJars } from '../artifacts.ts'
import type { Engine, EngineState } from '../engine.ts'
import { provideJava } from '../java.ts'
import { ICEBERG_REST_JARS } from './iceberg-rest-jars.ts'

export interface IcebergRestState {
  /** `http://127.0.0.1:<port>`; the catalog's paths begin at `/v1`. */
  url: string
}

/** What it must know of an object store. */
interface S3State {
  endpoint: string
  region: string
  accessKeyId: string
  secretAccessKey: string
}

const PROBE_MAX_MS = 2_000
const JVM = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:+ExitOnOutOfMemoryError']

export const icebergRest: Engine<IcebergRestState> = {
  name: 'iceberg-rest',
  title: 'Iceberg REST catalog 1.10.0 (reference server)',
  ports: { http: 8181 },
  memoryMb: 160,
  uses: ['versitygw', 'hdfs'],
  async provide(cache) {
    const java = provideJava('Iceberg REST catalog', { min: 17, max: 21 })
    const jars = await provideJars(cache, 'iceberg-rest', ICEBERG_REST_JARS)
    return {
      async prepare({ directory, ports, engines }) {
        const main = 'org.apache.iceberg.rest.RESTCatalogServer'
        const env = environmentOf(directory, ports['http']!, engines['versitygw'])
        const command = [java, ...JVM, '-cp', join(jars, '*'), main]
        return {
          processes: [{ name: 'iceberg-rest', command, env }],
          state: { url: `http://127.0.0.1:${ports['http']}` },
        }
      },
      async isReady({ url }) {
        const answer = await fetch(`${url}/v1/config`, { signal: AbortSignal.timeout(PROBE_MAX_MS) })
        return answer.ok && 'endpoints' in ((await answer.json()) as object)
      },
    }
  },
  offer: ({ url }) => ({ flags: { '--catalog': url } }),
}

/** The server takes a property `io-impl` from `CATALOG_IO__IMPL`: `.` is written `_`, `-` is written `__`. */
function environmentOf(directory: string, port: number, s3: EngineState | undefined): Record<string, string> {
  const properties: Record<string, string> = {
    'rest.port': String(port),
    uri: `jdbc:sqlite:${join(directory, 'catalog.db')}?busy_timeout=10000`,
    // Two connections to one SQLite of the same server lock each other out for good once one was refused in a transaction.
    clients: '1',
    warehouse: `file://${join(directory, 'warehouse')}`,
    // Chooses by the scheme of each location.
    'io-impl': 'org.apache.iceberg.io.ResolvingFileIO',
  }
  if (s3 === undefined) return written(properties)
  const { endpoint, region, accessKeyId, secretAccessKey } = s3 as S3State
  Object.assign(properties, {
    's3.endpoint': endpoint,
    's3.path-style-access': 'true',
    's3.access-key-id': accessKeyId,
    's3.secret-access-key': secretAccessKey,
    'client.region': region,
  })
  return { ...written(properties), AWS_REGION: region }
}

function written(properties: Record<string, string>): Record<string, string> {
  const names = (name: string) => `CATALOG_${name.replaceAll('-', '__').replaceAll('.', '_').toUpperCase()}`
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [names(name), value]))
}
