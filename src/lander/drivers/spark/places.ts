/**
 * URLs of the parts of a pipeline, as Spark is to see them. What Spark cannot reach or read is refused by name, before anything is
 * asked. Secrets come beside the URLs, go to Spark as options of this session, and stand in no text.
 */
import { readFileSync } from 'node:fs'
import { LandfallError } from '../../../base/errors.ts'
import type { LanderSecrets } from '../../open.ts'
import type { ConnectOptions } from './connect/client.ts'
import type { KafkaPlace, SparkCatalog } from './options.ts'

export interface SparkUrl {
  spark: ConnectOptions
  /** A catalog of the server's own configuration. */
  catalog: string | null
  /** Mode stream. */
  stream?: { everyMs: number }
}

const PORT = 15002
const TRIGGER = '10s'
const OPTIONS = ['mode', 'trigger', 'tls', 'ca', 'user', 'catalog']
/** The catalog's name in Spark's SQL, for this session. */
const CATALOG = 'landfall'
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/

/** `sc://host:15002?tls=true&ca=/file&user=name&catalog=name` */
export function parseSparkUrl(url: string, token?: string): SparkUrl {
  const [, authority = '', query = ''] = /^sc:\/\/([^/?#;]*)\/?(?:\?([^#;]*))?$/i.exec(url) ?? []
  if (authority.includes('@') || /token=/i.test(url))
    throw wrong(
      'lander/url',
      'the sc:// URL holds a user, a password or a token',
      'Give the token as LANDFALL_SPARK_TOKEN',
    )
  const [, host, port = String(PORT)] = /^(\[[\da-f:]+\]|[^:[\]]+)(?::(\d{1,5}))?$/i.exec(authority) ?? []
  if (host === undefined || Number(port) > 65_535)
    throw wrong('lander/url', 'the sc:// URL names no host', 'Write it as sc://host:15002')
  const options = new URLSearchParams(query)
  const unknown = [...options.keys()].find((name) => !OPTIONS.includes(name))
  if (unknown !== undefined)
    throw wrong('lander/url', `the sc:// URL has no option "${unknown}"`, `There are: ${OPTIONS.join(', ')}`)
  const mode = options.get('mode') ?? 'batch'
  if (mode !== 'batch' && mode !== 'stream')
    throw wrong('lander/url', `the sc:// URL asks for mode=${mode}`, 'There are: batch, stream')
  const trigger = options.get('trigger')
  const everyMs = parseTrigger(trigger ?? TRIGGER)
  if (everyMs === undefined || (trigger !== null && mode === 'batch'))
    throw wrong(
      'lander/url',
      `the sc:// URL asks for trigger=${trigger} in mode ${mode}`,
      'Mode stream has a trigger, such as 500ms, 10s or 1m',
    )
  const ca = options.get('ca')
  const tls = options.get('tls') === 'true' || ca !== null
  const user = options.get('user')
  const spark = {
    host: host.replace(/^\[|\]$/g, ''),
    port: Number(port),
    ...(tls ? { tls: ca === null ? {} : { caFile: ca } } : {}),
    ...(token ? { token } : {}),
    ...(user ? { user } : {}),
  }
  return { spark, catalog: options.get('catalog'), ...(mode === 'stream' ? { stream: { everyMs } } : {}) }
}

/** `500ms`, `10s`, `1m`: at least 100 ms, at most an hour. */
function parseTrigger(text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,7})(ms|s|m)$/.exec(text) ?? []
  const ms = Number(amount) * ({ ms: 1, s: 1000, m: 60_000 }[unit ?? ''] ?? Number.NaN)
  return ms >= 100 && ms <= 3_600_000 ? ms : undefined
}

/** The topic of a `kafka://` URL (docs/reference/kafka.md), with the files that it names read here: Spark's machines need none. */
export function kafkaPlace(url: string, secrets: LanderSecrets): KafkaPlace {
  const [, servers, topic, query = ''] = /^kafka:\/\/([^/?#]+)\/([^?#]+)(?:\?([^#]*))?$/i.exec(url) ?? []
  if (servers === undefined || topic === undefined)
    throw wrong(
      'lander/spark-log',
      'Spark reads its records from Kafka, and the log is none',
      'Set log.url to kafka://host:9092/topic',
    )
  const given = new URLSearchParams(query)
  const file = (name: string) => (given.get(name) ? readFileSync(given.get(name)!, 'utf8') : undefined)
  const tls = given.get('tls') === 'true' || given.has('ca') || given.has('cert')
  const sasl = given.get('sasl')?.toUpperCase()
  const protocol = `${sasl ? 'SASL_' : ''}${tls ? 'SSL' : 'PLAINTEXT'}`
  const options: Record<string, string | undefined> = { 'kafka.security.protocol': protocol }
  if (tls) {
    options['kafka.ssl.truststore.certificates'] = file('ca')
    options['kafka.ssl.keystore.certificate.chain'] = file('cert')
    options['kafka.ssl.keystore.key'] = file('key')
    if (given.has('ca')) options['kafka.ssl.truststore.type'] = 'PEM'
    if (given.has('cert')) options['kafka.ssl.keystore.type'] = 'PEM'
  }
  if (sasl) {
    options['kafka.sasl.mechanism'] = sasl
    options['kafka.sasl.jaas.config'] = jaas(sasl, secrets)
  }
  const set = Object.entries(options).filter((entry): entry is [string, string] => entry[1] !== undefined)
  // Brokers without a port listen where people expect it.
  const brokers = servers.split(',').map((server) => (/:\d+$/.test(server) ? server : `${server}:9092`))
  return {
    servers: brokers.join(),
    topic: decodeURIComponent(topic.replace(/\/+$/, '')),
    options: Object.fromEntries(set),
  }
}

function jaas(mechanism: string, { kafkaUsername = '', kafkaPassword = '' }: LanderSecrets): string {
  const module = mechanism === 'PLAIN' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule'
  const quoted = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  return `org.apache.kafka.common.security.${module} required username=${quoted(kafkaUsername)} password=${quoted(kafkaPassword)};`
}

/** The Iceberg catalog of `rest+http(s)://`, `http(s)://` and `thrift://` URLs, with the storage its tables are in. */
export function sparkCatalog(
  { catalog: own, spark }: SparkUrl,
  urls: { catalog: string; storage: string },
  secrets: LanderSecrets,
  environment: NodeJS.ProcessEnv = process.env,
): SparkCatalog {
  if (own !== null) return { name: own }
  const properties = {
    ...catalogProperties(urls.catalog, secrets),
    ...storageProperties(urls.storage, spark.host, environment),
  }
  return { name: CATALOG, properties }
}

function catalogProperties(
  url: string,
  { catalogToken, catalogCredential }: LanderSecrets,
): Record<string, string> {
  const [, scheme = '', rest = ''] = /^(?:rest\+)?(https?|thrift):\/\/(.*)$/is.exec(url) ?? []
  const [address = '', query = ''] = rest.split('?', 2)
  const options = new URLSearchParams(query)
  const given = (name: string, key: string) => (options.get(name) ? { [key]: options.get(name)! } : {})
  if (scheme === 'thrift') return { type: 'hive', uri: `thrift://${address}` }
  if (scheme === '')
    throw wrong(
      'lander/spark-catalog',
      'Spark commits to a REST catalog or a Hive metastore, and the catalog is in the own files of the tables',
      'Set catalog.url to https://host/ or thrift://host:9083, or use the lander within (duckdb:)',
    )
  return {
    type: 'rest',
    uri: `${scheme}://${address.replace(/\/+$/, '')}`,
    ...(catalogToken ? { token: catalogToken } : {}),
    ...(catalogCredential ? { credential: catalogCredential } : {}),
    ...given('warehouse', 'warehouse'),
    ...given('prefix', 'prefix'),
    ...given('scope', 'scope'),
    ...given('oauth2-server-uri', 'oauth2-server-uri'),
  }
}

function storageProperties(
  url: string,
  host: string,
  environment: NodeJS.ProcessEnv,
): Record<string, string> {
  const io = { 'io-impl': 'org.apache.iceberg.io.ResolvingFileIO' }
  const [, scheme = 'file'] = /^([a-z][a-z0-9+.-]+):/i.exec(url) ?? []
  if (scheme === 'hdfs') return io
  if (scheme === 's3')
    return { ...io, ...s3Properties(new URLSearchParams(url.split('?')[1] ?? ''), environment) }
  if (LOOPBACK.test(host)) return io
  throw wrong(
    'lander/spark-storage',
    `the tables are on this machine's disk, which Spark at ${host} cannot reach`,
    'Set storage.url to s3://bucket/prefix or hdfs://host:port/path',
  )
}

/** Streams keep checkpoints beside the tables, by Spark's Hadoop client. */
export function checkCheckpoints(storage: string): void {
  if (!/^s3:/i.test(storage)) return
  throw wrong(
    'lander/spark-storage',
    'mode=stream keeps checkpoints in the storage, and Spark writes none to S3',
    'Use mode=batch, or storage in HDFS',
  )
}

/** Without keys of ours Spark's machines use their own (AWS's default chain). */
function s3Properties(options: URLSearchParams, environment: NodeJS.ProcessEnv): Record<string, string> {
  const endpoint =
    options.get('endpoint') ?? environment['AWS_ENDPOINT_URL_S3'] ?? environment['AWS_ENDPOINT_URL']
  const properties: Record<string, string | undefined> = {
    's3.endpoint': endpoint,
    'client.region':
      options.get('region') ?? environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'] ?? 'us-east-1',
    's3.path-style-access': options.get('path-style') ?? (endpoint === undefined ? undefined : 'true'),
    's3.access-key-id': environment['AWS_ACCESS_KEY_ID'],
    's3.secret-access-key': environment['AWS_SECRET_ACCESS_KEY'],
    's3.session-token': environment['AWS_SESSION_TOKEN'],
  }
  const set = Object.entries(properties).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return Object.fromEntries(set)
}

function wrong(code: string, found: string, hint: string): LandfallError {
  return new LandfallError('fix-config', code, found, { hint })
}
