import { expect, test } from 'vitest'
import { adviceOf, quoted } from '../../src/stack/advice.ts'
import { openEngineCache } from '../../src/stack/cache.ts'
import { createCatalogs, lakeCatalogs } from '../../src/stack/engines/trino-catalogs.ts'
import { COMBINATIONS, ENGINE_NAMES, expandNames, loadEngine } from '../../src/stack/engines.ts'
import type { EngineStatus } from '../../src/stack/stack.ts'
import { temporaryFolder } from '../support/landfall.ts'

test('names, other names and combinations are engines, each once, in the order of their start', () => {
  expect(expandNames(['trino', 's3', 'kafka', 'versitygw'])).toEqual(['kafka', 'versitygw', 'trino'])
  expect(expandNames(['lakehouse'])).toEqual(COMBINATIONS['lakehouse'])
  expect(expandNames([])).toEqual([])
  expect(() => expandNames(['zookeeper'])).toThrow('there is no engine "zookeeper"')
})

test('each engine starts after those that it uses, below the ports of clients', async () => {
  for (const [index, name] of ENGINE_NAMES.entries()) {
    const engine = await loadEngine(name)
    expect(engine.name).toBe(name)
    for (const used of engine.uses ?? []) expect(ENGINE_NAMES.slice(0, index)).toContain(used)
    for (const port of Object.values(engine.ports)) expect(port).toBeLessThan(32_768)
  }
})

test('what has not been fetched is missing where nothing may be fetched', async () => {
  const cache = { ...openEngineCache(() => {}, temporaryFolder()), offline: true }
  await expect((await loadEngine('kafka')).provide(cache)).rejects.toMatchObject({ code: 'stack/missing' })
})

const engine = (name: string, offer: EngineStatus['offer'], condition: EngineStatus['condition'] = 'up') => ({
  name,
  title: name,
  condition,
  ports: {},
  pids: {},
  residentBytes: 0,
  startedAt: '',
  directory: '',
  offer,
})
const kafka = engine('kafka', { flags: { '--log': 'kafka://127.0.0.1:9092/events' } })
const s3 = engine('versitygw', {
  flags: { '--storage': 's3://landfall/lake?endpoint=http://127.0.0.1:9000&region=r' },
  environment: { AWS_ACCESS_KEY_ID: 'landfall' },
})
const rest = engine('iceberg-rest', { flags: { '--catalog': 'http://127.0.0.1:8181' } })
const trino = engine('trino', { sql: 'trino://landfall@127.0.0.1:8085/lake/default' })
const hdfs = engine('hdfs', { flags: { '--storage': 'hdfs://127.0.0.1:9870/landfall' } })

test('a combination gives one command line, ready for a shell', () => {
  expect(adviceOf([kafka, s3, hdfs, rest, trino])).toEqual({
    environment: { AWS_ACCESS_KEY_ID: 'landfall' },
    commands: {
      lakehouse:
        "landfall up pipeline.ts --log kafka://127.0.0.1:9092/events --storage 's3://landfall/lake?endpoint=http://127.0.0.1:9000&region=r' --catalog http://127.0.0.1:8181",
    },
    questions: [
      'landfall sql --sql trino://landfall@127.0.0.1:8085/lake/default "select count(*) from events"',
    ],
  })
})

test('what is no combination still has a command line; what does not answer is not in it', () => {
  expect(adviceOf([kafka, { ...hdfs, condition: 'silent' }]).commands).toEqual({
    engines: 'landfall up pipeline.ts --log kafka://127.0.0.1:9092/events',
  })
  expect(adviceOf([trino]).commands).toEqual({})
})

test('a shell takes a quoted text as it was', () => {
  expect([quoted('a/b:c'), quoted("it's ?")]).toEqual(['a/b:c', "'it'\\''s ?'"])
})

test('Trino gets a catalog for each that runs beside it', () => {
  const s3 = {
    endpoint: 'http://s3',
    region: 'r',
    accessKeyId: 'k',
    secretAccessKey: "it's",
    directory: '/b',
  }
  const catalogs = lakeCatalogs({ versitygw: s3, 'iceberg-rest': { url: 'http://rest' } })
  expect(Object.keys(catalogs)).toEqual(['lake'])
  const [statement] = createCatalogs(catalogs)
  expect(statement).toContain(
    'CREATE CATALOG IF NOT EXISTS lake USING iceberg WITH ("iceberg.catalog.type" = \'rest\'',
  )
  expect(statement).toContain(`"s3.aws-secret-key" = 'it''s'`)
  expect(lakeCatalogs({ hive: { url: 'thrift://h:1' } })).toEqual({
    hive: {
      connector: 'iceberg',
      'iceberg.catalog.type': 'hive_metastore',
      'hive.metastore.uri': 'thrift://h:1',
      'fs.hadoop.enabled': 'true',
    },
  })
})
