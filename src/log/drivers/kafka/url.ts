/**
 * `kafka://host:9092[,host2:9092]/topic?…`: where the topic is and how it is reached. Who comes stands in the environment
 * (LANDFALL_KAFKA_USERNAME, LANDFALL_KAFKA_PASSWORD), never in the URL. The options: docs/reference/kafka.md.
 */
import { LandfallError } from '../../../base/errors.ts'

export interface KafkaTarget {
  brokers: { host: string; port: number }[]
  topic: string
  tls: TlsTarget | null
  sasl: SaslMechanism | null
  /** Of a topic that is made; one that is there must have as many. */
  partitions: number | null
  replication: number | null
  /** Make the topic when it is missing. */
  create: boolean
}

/** PEM files. */
export interface TlsTarget {
  ca: string | null
  cert: string | null
  key: string | null
}

export type SaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

export interface KafkaCredentials {
  username?: string
  password?: string
}

const MECHANISMS: Record<string, SaslMechanism> = {
  plain: 'PLAIN',
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512',
}
const OPTIONS = ['tls', 'ca', 'cert', 'key', 'sasl', 'partitions', 'replication', 'create']
const EXAMPLE = 'Write it as kafka://host:9092/topic or kafka://host1:9092,host2:9092/topic'

/** Throws `log/url`. */
export function parseKafkaUrl(url: string): KafkaTarget {
  const [, authority = '', path = '', query = ''] =
    /^kafka:\/\/([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/i.exec(url) ?? []
  if (authority.includes('@')) {
    throw wrong(
      'it holds a user or a password',
      'Give them as LANDFALL_KAFKA_USERNAME and LANDFALL_KAFKA_PASSWORD',
    )
  }
  if (authority === '') throw wrong('it names no broker', EXAMPLE)
  const topic = decodeURIComponent(path.slice(1))
  if (topic === '') throw wrong('it names no topic', EXAMPLE)
  if (!/^[\w.-]{1,249}$/.test(topic) || topic === '.' || topic === '..') {
    throw wrong(`"${topic}" cannot be a topic`, 'A topic is 1 to 249 letters, digits, dots, _ and -')
  }
  const options = new URLSearchParams(query)
  const unknown = [...options.keys()].find((name) => !OPTIONS.includes(name))
  if (unknown !== undefined) throw wrong(`it has no option "${unknown}"`, `There are: ${OPTIONS.join(', ')}`)
  return {
    brokers: authority.split(',').map(parseBroker),
    topic,
    tls: parseTls(options),
    sasl: parseSasl(options.get('sasl')),
    partitions: wholeNumber(options, 'partitions', 10_000),
    replication: wholeNumber(options, 'replication', 100),
    create: flag(options, 'create', true),
  }
}

/** The URL without what only matters to whoever opens it. */
export function describeTarget({ brokers, topic }: KafkaTarget): string {
  return `kafka://${brokers.map(({ host, port }) => `${host}:${port}`).join()}/${topic}`
}

function parseBroker(text: string): { host: string; port: number } {
  const [, bracketed, plain, port = '9092'] =
    /^(?:\[([\da-f:]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/i.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) {
    throw wrong(`"${text}" is no host:port`, EXAMPLE)
  }
  return { host, port: Number(port) }
}

function parseTls(options: URLSearchParams): TlsTarget | null {
  const [ca, cert, key] = ['ca', 'cert', 'key'].map((name) => options.get(name) || null) as (string | null)[]
  const named = ca ?? cert ?? key
  if (!flag(options, 'tls', named !== null)) {
    if (named !== null) throw wrong('it names files for TLS and says tls=false', 'Leave one of them out')
    return null
  }
  if ((cert === null) !== (key === null)) {
    throw wrong(
      'it names a certificate without its key, or a key without its certificate',
      'Give both cert= and key=',
    )
  }
  return { ca: ca!, cert: cert!, key: key! }
}

function parseSasl(text: string | null): SaslMechanism | null {
  if (text === null) return null
  const mechanism = MECHANISMS[text.toLowerCase()]
  if (mechanism === undefined) {
    throw wrong(`it asks for sasl=${text}`, `There are: ${Object.keys(MECHANISMS).join(', ')}`)
  }
  return mechanism
}

function wholeNumber(options: URLSearchParams, name: string, max: number): number | null {
  const text = options.get(name)
  if (text === null) return null
  if (/^[1-9]\d{0,5}$/.test(text) && Number(text) <= max) return Number(text)
  throw wrong(`${name}=${text}`, `${name} is a whole number from 1 to ${max}`)
}

function flag(options: URLSearchParams, name: string, otherwise: boolean): boolean {
  const text = options.get(name)
  if (text === null) return otherwise
  if (text === 'true' || text === 'false') return text === 'true'
  throw wrong(`${name}=${text}`, `${name} is true or false`)
}

/** The URL itself is not repeated: what somebody put into it may be a secret. */
function wrong(found: string, hint: string): LandfallError {
  return new LandfallError('fix-config', 'log/url', `reading the kafka:// URL of the log: ${found}`, { hint })
}
