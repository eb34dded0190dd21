import { expect, test } from 'vitest'
import { nextRange } from '../../src/lander/drivers/spark/batch/range.ts'
import { kafkaPlace, parseSparkUrl, sparkCatalog } from '../../src/lander/drivers/spark/places.ts'
import { openLanderAt } from '../../src/lander/open.ts'

const local = parseSparkUrl('sc://127.0.0.1')
const remote = parseSparkUrl('sc://spark.example:15003?tls=true&user=ada')

test('an sc:// URL says where Spark is, and holds no secret', () => {
  expect(local).toEqual({ spark: { host: '127.0.0.1', port: 15002 }, catalog: null })
  expect(remote.spark).toEqual({ host: 'spark.example', port: 15003, tls: {}, user: 'ada' })
  expect(parseSparkUrl('sc://h?catalog=lake', 'secret')).toMatchObject({
    spark: { token: 'secret' },
    catalog: 'lake',
  })
  expect(parseSparkUrl('sc://h?mode=stream').stream).toEqual({ everyMs: 10_000 })
  expect(parseSparkUrl('sc://h?mode=stream&trigger=500ms').stream).toEqual({ everyMs: 500 })
  for (const url of ['sc://user:pw@h', 'sc://h/;token=abc', 'sc://h?token=abc'])
    expect(() => parseSparkUrl(url)).toThrow(
      expect.objectContaining({ code: 'lander/url', hint: expect.stringContaining('LANDFALL_SPARK_TOKEN') }),
    )
  for (const url of [
    'sc://',
    'sc://h?colour=red',
    'sc://h?mode=fast',
    'sc://h?mode=stream&trigger=soon',
    'sc://h?trigger=1s',
    'sc://h:99999',
  ])
    expect(() => parseSparkUrl(url)).toThrow(expect.objectContaining({ code: 'lander/url' }))
})

test('Spark is told how to reach the topic', () => {
  expect(kafkaPlace('kafka://a,b:9093/events?partitions=3', {})).toEqual({
    servers: 'a:9092,b:9093',
    topic: 'events',
    options: { 'kafka.security.protocol': 'PLAINTEXT' },
  })
  const { options } = kafkaPlace('kafka://a:9092/events?tls=true&sasl=scram-sha-512', {
    kafkaUsername: 'me',
    kafkaPassword: 'p"w',
  })
  expect(options).toMatchObject({
    'kafka.security.protocol': 'SASL_SSL',
    'kafka.sasl.mechanism': 'SCRAM-SHA-512',
    'kafka.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required username="me" password="p\\"w";',
  })
})

test('the catalog and the storage are those of the pipeline', () => {
  const urls = {
    catalog: 'rest+https://rest.example/api?warehouse=w',
    storage: 's3://bucket/lake?endpoint=http://s3:9000',
  }
  const keys = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key' }
  expect(sparkCatalog(remote, urls, { catalogToken: 't' }, keys).properties).toMatchObject({
    type: 'rest',
    uri: 'https://rest.example/api',
    token: 't',
    warehouse: 'w',
    's3.endpoint': 'http://s3:9000',
    's3.access-key-id': 'id',
    's3.secret-access-key': 'key',
  })
  expect(
    sparkCatalog(remote, { catalog: 'thrift://meta:9083', storage: 'hdfs://name:9870/lake' }, {}, {})
      .properties,
  ).toMatchObject({
    type: 'hive',
    uri: 'thrift://meta:9083',
  })
})

test('what Spark cannot read or reach is refused by name', async () => {
  const codeOf = (work: () => unknown) => {
    try {
      return work()
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  expect(codeOf(() => kafkaPlace('/var/landfall/log', {}))).toBe('lander/spark-log')
  expect(codeOf(() => sparkCatalog(local, { catalog: 'file:', storage: '/lake' }, {}))).toBe(
    'lander/spark-catalog',
  )
  expect(codeOf(() => sparkCatalog(remote, { catalog: 'http://rest', storage: '/lake' }, {}))).toBe(
    'lander/spark-storage',
  )
  expect(sparkCatalog(local, { catalog: 'http://rest', storage: '/lake' }, {}).properties).toMatchObject({
    type: 'rest',
  })
  const places = { log: '/var/log', storage: '/lake', catalog: 'file:' }
  await expect(async () => openLanderAt('sc://h', { places } as never)).rejects.toMatchObject({
    code: 'lander/spark-log',
  })
})

test('a batch takes of each partition its share', () => {
  const at = (...next: number[]) => ({ logId: 'x', next: { ...next } })
  expect(nextRange(at(10, 0), at(20, 0), 100)).toEqual({ ranges: { 0: { from: 10, to: 20 } }, to: at(20, 0) })
  expect(nextRange(at(0, 0), at(1000, 3000), 400).to).toEqual(at(100, 300))
  expect(nextRange({ logId: 'x', next: {} }, at(5, 7), 1000).to).toEqual(at(5, 7))
})
