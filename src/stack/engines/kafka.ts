/**
 * Kafka 4.3.1: one node, broker and controller in one (KRaft), in a directory of its own. Its data and its ports stay as they were
 * when it is started in the same directory again, so it may be killed and started under its clients.
 *
 * Measured here: 2.8 s for the first start with the format, 2 to 4 s for another, 250 MB of memory.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { jarsOf, provideJars } from '../artifacts.ts'
import type { EngineCache } from '../cache.ts'
import type { Engine, EngineRecipe } from '../engine.ts'
import { execute } from '../execute.ts'
import { provideJava } from '../java.ts'
import { KAFKA_JARS } from './kafka-jars.ts'

export interface KafkaParts {
  /** A Java 17 or newer. */
  java: string
  /** The folder of its jars (`KAFKA_JARS`). */
  jars: string
  heapMb?: number
  /** Also listens with TLS, mutual TLS and SASL. */
  secure?: KafkaSecurity
}

export interface KafkaSecurity {
  /** PEM files: the broker's certificate with its PKCS#8 key behind it, and the authority that both sides trust. */
  identity: string
  authority: string
  /** Who may come by SASL (PLAIN and SCRAM). */
  username: string
  password: string
}

/** `host:port` of each listener. */
export interface KafkaState {
  plaintext: string
  /** Only with `secure`. */
  tls?: string
  mutualTls?: string
  saslPlaintext?: string
  saslTls?: string
}

const JVM = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:+ExitOnOutOfMemoryError']
const LISTENERS = {
  plaintext: 'PLAINTEXT',
  tls: 'SSL',
  mutualTls: 'MTLS',
  saslPlaintext: 'SASL',
  saslTls: 'SASLTLS',
}
const READY_MAX_MS = 1000

export const kafka: Engine<KafkaState> = {
  name: 'kafka',
  title: 'Apache Kafka 4.3.1',
  ports: { plaintext: 9092, controller: 9093 },
  memoryMb: 300,
  provide: async (cache) => kafkaRecipe(await provideKafka(cache)),
  offer: ({ plaintext }) => ({
    flags: { '--log': `kafka://${plaintext}/events` },
    addresses: { Broker: plaintext },
  }),
}

/** The names of `ports` that a broker with all listeners needs. */
export const SECURE_PORTS = [...Object.keys(LISTENERS), 'controller']

export async function provideKafka(cache: EngineCache): Promise<KafkaParts> {
  const java = provideJava('Kafka 4.3', { min: 17 })
  return { java, jars: await provideJars(cache, 'kafka', jarsOf(KAFKA_JARS)) }
}

export function kafkaRecipe(parts: KafkaParts): EngineRecipe<KafkaState> {
  return {
    async prepare({ directory, ports }) {
      const properties = join(directory, 'server.properties')
      const state = listenersOf(ports, parts.secure !== undefined)
      writeFileSync(properties, propertiesOf(directory, ports, state, parts.secure))
      if (!existsSync(join(directory, 'formatted'))) {
        await format(parts, properties)
        writeFileSync(join(directory, 'formatted'), '')
      }
      const heap = ['-Xms128m', `-Xmx${parts.heapMb ?? 384}m`]
      const command = [parts.java, ...heap, ...JVM, '-cp', join(parts.jars, '*'), 'kafka.Kafka', properties]
      return { processes: [{ name: 'broker', command }], state }
    },
    isReady: (state) => answersApiVersions(state.plaintext),
  }
}

function listenersOf(ports: Record<string, number>, secure: boolean): KafkaState {
  const names = secure ? Object.keys(LISTENERS) : ['plaintext']
  return Object.fromEntries(names.map((name) => [name, `127.0.0.1:${ports[name]}`])) as unknown as KafkaState
}

function propertiesOf(
  directory: string,
  ports: Record<string, number>,
  state: KafkaState,
  secure: KafkaSecurity | undefined,
): string {
  const controller = `127.0.0.1:${ports['controller']}`
  const listeners = Object.entries(state).map(
    ([name, address]) => `${LISTENERS[name as keyof KafkaState]}://${address}`,
  )
  mkdirSync(join(directory, 'data'), { recursive: true })
  const lines = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.bootstrap.servers': controller,
    listeners: [...listeners, `CONTROLLER://${controller}`].join(),
    'advertised.listeners': listeners.join(),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map':
      'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,MTLS:SSL,SASL:SASL_PLAINTEXT,SASLTLS:SASL_SSL',
    'log.dirs': join(directory, 'data'),
    'num.partitions': '1',
    'auto.create.topics.enable': 'false',
    // One broker holds the only copy of what Kafka keeps for itself.
    'offsets.topic.num.partitions': '1',
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.num.partitions': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.num.partitions': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    'log.cleaner.dedupe.buffer.size': '16777216',
    'log.cleaner.backoff.ms': '1000',
    // After a kill the controller waits for the old session to end before it lets the broker in again.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    ...(secure && secureProperties(secure)),
  }
  return Object.entries(lines)
    .map(([key, value]) => `${key}=${escapeProperty(value)}\n`)
    .join('')
}

/** A properties file is Latin-1 to Java; other characters are written by their number. */
function escapeProperty(value: string): string {
  return value.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function secureProperties({
  identity,
  authority,
  username,
  password,
}: KafkaSecurity): Record<string, string> {
  const store = (name: string, clientAuth: string) => ({
    [`listener.name.${name}.ssl.keystore.type`]: 'PEM',
    [`listener.name.${name}.ssl.keystore.location`]: identity,
    [`listener.name.${name}.ssl.truststore.type`]: 'PEM',
    [`listener.name.${name}.ssl.truststore.location`]: authority,
    [`listener.name.${name}.ssl.client.auth`]: clientAuth,
  })
  const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required user_${username}="${password}";`
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
  const sasl = (name: string) => ({
    [`listener.name.${name}.sasl.enabled.mechanisms`]: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    [`listener.name.${name}.plain.sasl.jaas.config`]: plain,
    [`listener.name.${name}.scram-sha-256.sasl.jaas.config`]: scram,
    [`listener.name.${name}.scram-sha-512.sasl.jaas.config`]: scram,
  })
  return {
    ...store('ssl', 'none'),
    ...store('mtls', 'required'),
    ...store('sasltls', 'none'),
    ...sasl('sasl'),
    ...sasl('sasltls'),
  }
}

/** Gives the node its identity and, with SASL, the users: SCRAM's are kept in the cluster's own metadata. */
async function format({ java, jars, secure }: KafkaParts, properties: string): Promise<void> {
  const users = secure
    ? ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
        '--add-scram',
        `${mechanism}=[name=${secure.username},password=${secure.password}]`,
      ])
    : []
  const cluster = 'TGFuZGZhbGxTdGFja0thZg'
  const tool = ['-cp', join(jars, '*'), 'kafka.tools.StorageTool', 'format', '--standalone']
  // A format that was cut short before is taken up again.
  const args = ['--ignore-formatted', '-t', cluster, '-c', properties, ...users]
  // Java reads its arguments in the character set of the locale, and a user may have a name of any letters.
  const env = { LC_ALL: 'C.UTF-8' }
  await execute('formatting the disk of Kafka', java, [...JVM, ...tool, ...args], { env })
}

/**
 * A broker that is ready answers ApiVersions (key 18, version 0: a size, the key, the version, a correlation id and no client's name);
 * before that it does not listen, or closes.
 */
function answersApiVersions(address: string): Promise<boolean> {
  const [host, port] = address.split(':') as [string, string]
  return new Promise((resolve) => {
    const socket = createConnection({ host, port: Number(port) })
    const end = (ready: boolean) => {
      socket.destroy()
      resolve(ready)
    }
    socket.setTimeout(READY_MAX_MS, () => end(false))
    socket.on('error', () => end(false))
    socket.on('close', () => end(false))
    socket.on('connect', () => socket.write(Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff])))
    socket.on('data', () => end(true))
  })
}
