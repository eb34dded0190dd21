/** Real catalogs for tests, one of a kind per test run. Take a namespace of your own: others work beside you. */
import { type HiveState, hive, hive3 } from '../../src/stack/engines/hive.ts'
import { type IcebergRestState, icebergRest } from '../../src/stack/engines/iceberg-rest.ts'
import { versitygw } from '../../src/stack/engines/versitygw.ts'
import { shareEngine } from './shared-engine.ts'

/** With the S3 of the run, whoever asks first: it is told of it at its start, and one test file or another needs it. */
export async function findIcebergRest(): Promise<IcebergRestState | { missing: string }> {
  const s3 = await shareEngine(versitygw)
  return shareEngine(icebergRest, 'missing' in s3 ? {} : { versitygw: s3 })
}

export function findHive(version: '4.0.1' | '3.1.3' = '4.0.1'): Promise<HiveState | { missing: string }> {
  return shareEngine(version === '4.0.1' ? hive : hive3)
}
