import { test } from 'vitest'
import { catalogSuite } from '../conformance/catalog-suite.ts'
import { findIcebergRest } from '../engines/catalogs.ts'
import { openNamespace } from './support.ts'

const rest = await findIcebergRest()

if ('missing' in rest) test('a real Iceberg REST catalog', ({ skip }) => skip(rest.missing))
else catalogSuite({ name: 'Iceberg REST', open: () => openNamespace(rest.url) })
