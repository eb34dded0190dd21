import { test } from 'vitest'
import { catalogSuite } from '../conformance/catalog-suite.ts'
import { findHive } from '../engines/catalogs.ts'
import { openNamespace } from './support.ts'

for (const version of ['4.0.1', '3.1.3'] as const) {
  const hive = await findHive(version)
  if ('missing' in hive) test(`a real metastore ${version}`, ({ skip }) => skip(hive.missing))
  else catalogSuite({ name: `Hive metastore ${version}`, open: () => openNamespace(hive.url) })
}
