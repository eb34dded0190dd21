/** The settings that say where log, storage, catalog and lander are, and who we are to them; a part of the table in src/config.ts. */
import { kinds, setting } from '../base/setting.ts'

const { bytes, secret, url, word } = kinds
const hidden = { flag: null, inPipeline: false }

export const placeSettings = {
  'log.url': setting<string | null>(
    'log.url',
    url,
    null,
    'the log, when it is not in the data directory: kafka://HOST:9092/TOPIC',
    { flag: '--log', environment: 'LANDFALL_LOG', common: true },
  ),
  'storage.url': setting<string | null>(
    'storage.url',
    url,
    null,
    'where tables and plans are, when not in the data directory: s3://BUCKET/PREFIX, hdfs://HOST:PORT/PATH or a directory',
    { flag: '--storage', environment: 'LANDFALL_STORAGE', common: true },
  ),
  'storage.cacheBytesMax': setting(
    'storage.cacheBytesMax',
    bytes,
    10_000_000_000,
    'copies of objects elsewhere, kept in the data directory for engines of this machine',
  ),
  'catalog.url': setting<string | null>(
    'catalog.url',
    url,
    null,
    'the catalog, when it is not in the own files of the tables: https://HOST/ (Iceberg REST) or thrift://HOST:9083',
    { flag: '--catalog', environment: 'LANDFALL_CATALOG', common: true },
  ),
  'catalog.namespace': setting(
    'catalog.namespace',
    word,
    'default',
    'the namespace (schema, database) of the tables: one for each pipeline of a shared catalog',
    { flag: '--namespace', environment: 'LANDFALL_NAMESPACE', common: true },
  ),
  'lander.url': setting<string | null>(
    'lander.url',
    url,
    null,
    'what lands, when it is not the DuckDB within: sc://HOST:15002 (Spark Connect)',
    { flag: '--lander', environment: 'LANDFALL_LANDER', common: true },
  ),
  'log.username': setting<string | null>('log.username', secret, null, 'who we are to Kafka (SASL)', {
    ...hidden,
    environment: 'LANDFALL_KAFKA_USERNAME',
  }),
  'log.password': setting<string | null>('log.password', secret, null, 'its password', {
    ...hidden,
    environment: 'LANDFALL_KAFKA_PASSWORD',
  }),
  'catalog.token': setting<string | null>(
    'catalog.token',
    secret,
    null,
    'bearer token for the catalog',
    hidden,
  ),
  'catalog.credential': setting<string | null>(
    'catalog.credential',
    secret,
    null,
    'or ID:SECRET of an OAuth2 client, for which the catalog gives tokens',
    hidden,
  ),
  'lander.token': setting<string | null>('lander.token', secret, null, 'bearer token for Spark Connect', {
    ...hidden,
    environment: 'LANDFALL_SPARK_TOKEN',
  }),
} as const
