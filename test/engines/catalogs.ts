/** Real catalogs for tests, one of a kind per test run. Take a namespace of your own: others work beside you. */
import { type HiveState, hive, hive3 } from '../../src/stack/engines/hive.ts'
import { type IcebergRestState, icebergRest } from '../../src/stack/engines/iceberg-rest.ts'
import { type Others, shareEngine } from './shared-engine.ts'

/** `others`: an S3 (`{ versitygw }`) that it must reach; only the first who asks is heard. */
export function findIcebergRest(others: Others = {}): Promise<IcebergRestState | { missing: string }> {
  return shareEngine(icebergRest, others)
}

export function findHive(version: '4.0.1' | '3.1.3' = '4.0.1'): Promise<HiveState | { missing: string }> {
  return shareEngine(version === '4.0.1' ? hive : hive3)
}
