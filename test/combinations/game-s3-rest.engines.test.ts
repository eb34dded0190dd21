/** System B, combination (b): Kafka, DuckDB's lander, S3 and an Iceberg REST catalog, asked by a real Trino. */
import { randomUUID } from 'node:crypto'
import { lakeCatalogs } from '../../src/stack/engines/trino-catalogs.ts'
import { makeBucket, type VersitygwState, versitygw } from '../../src/stack/engines/versitygw.ts'
import { findIcebergRest } from '../engines/catalogs.ts'
import { findKafka } from '../engines/kafka.ts'
import { shareEngine } from '../engines/shared-engine.ts'
import { findTrino } from '../engines/trino.ts'
import { type Combination, gameOn } from './combination.ts'

const id = randomUUID().slice(0, 8)
const bucket = `game-${id}`
const namespace = `game_${id}`
const s3 = await shareEngine(versitygw)

async function find(): Promise<Combination | { missing: string }> {
  if ('missing' in s3) return s3
  const [kafka, rest, trino] = [
    await findKafka(),
    await findIcebergRest({ versitygw: s3 }),
    await findTrino(),
  ]
  if ('missing' in kafka) return kafka
  if ('missing' in rest) return rest
  if ('missing' in trino) return trino
  return {
    urls: {
      '--log': `kafka://${kafka.plaintext}/game-${id}`,
      '--storage': `s3://${bucket}/lake?endpoint=${s3.endpoint}&region=${s3.region}&path-style=true`,
      '--catalog': rest.url,
      '--namespace': namespace,
    },
    env: { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey },
    tables: `s3://${bucket}/lake/${namespace}`,
    namespace,
    trino,
    catalog: lakeCatalogs({ 'iceberg-rest': rest, versitygw: s3 })['lake']!,
    spool: true,
  }
}

gameOn('Kafka + DuckDB + S3 + Iceberg REST, asked by Trino', await find(), () =>
  makeBucket(s3 as VersitygwState, bucket),
)
