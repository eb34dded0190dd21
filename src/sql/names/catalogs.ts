/**
 * Every relation that can be named, but for the tables of `hive.default` and their `$` tables: the metadata relations of Trino,
 * by catalog and schema.
 */
import { CATALOG, SCHEMA } from '../commands.ts'
import type { Catalogs } from './contents.ts'
import { INFORMATION_SCHEMA, informationSchema } from './information-schema.ts'
import { systemJdbc } from './system-jdbc.ts'
import { systemMetadata } from './system-metadata.ts'
import { systemRuntime } from './system-runtime.ts'

export const SYSTEM = 'system'

export const CATALOGS: Catalogs = {
  [CATALOG]: {
    [SCHEMA]: {},
    [INFORMATION_SCHEMA]: informationSchema(CATALOG),
  },
  [SYSTEM]: {
    [INFORMATION_SCHEMA]: informationSchema(SYSTEM),
    jdbc: systemJdbc,
    metadata: systemMetadata,
    runtime: systemRuntime,
  },
}
