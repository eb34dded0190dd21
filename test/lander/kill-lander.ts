/** A lander of its own, to be killed: `node kill-lander.ts DIRECTORY [SETTINGS AS JSON]`. Small batches, so that every kill hits another step. */
import { join } from 'node:path'
import { openFileCatalog } from '../../src/catalog/drivers/file.ts'
import { openLake } from '../../src/lake/iceberg-lake.ts'
import { openLander } from '../../src/lander/lander.ts'
import { openEmbeddedReader } from '../../src/log/drivers/embedded/embedded-reader.ts'
import { planDirectory } from '../../src/model/plan-store.ts'
import { openLocalStorage } from '../../src/storage/drivers/local.ts'
import { game } from './support.ts'

const directory = process.argv[2]!
const storage = openLocalStorage(join(directory, 'lake'))
const lander = await openLander({
  pipeline: game,
  log: await openEmbeddedReader({ directory: join(directory, 'log') }),
  lake: openLake({ catalog: openFileCatalog(storage), storage }),
  directory: join(directory, 'lander'),
  spoolDirectory: join(directory, 'spool'),
  plans: planDirectory(join(directory, 'plans')),
  settings: { batchAgeMs: 40, idleMs: 20, threads: 1, ...(JSON.parse(process.argv[3] ?? '{}') as object) },
})
process.stdout.write('landing\n')
await lander.run(new AbortController().signal)
