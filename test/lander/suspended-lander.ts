/** A lander on a machine of its own: `node suspended-lander.ts PIPELINE_DIRECTORY MACHINE_DIRECTORY`. Ends with 1 and the error's code. */
import { join } from 'node:path'
import { LandfallError } from '../../src/base/errors.ts'
import { openFileCatalog } from '../../src/catalog/drivers/file.ts'
import { openLake } from '../../src/lake/iceberg-lake.ts'
import { openLander } from '../../src/lander/lander.ts'
import { openEmbeddedReader } from '../../src/log/drivers/embedded/embedded-reader.ts'
import { planDirectory } from '../../src/model/plan-store.ts'
import { openLocalStorage } from '../../src/storage/drivers/local.ts'
import { game } from './support.ts'

const [directory, machine] = process.argv.slice(2) as [string, string]
const storage = openLocalStorage(join(directory, 'lake'))
const lander = await openLander({
  pipeline: game,
  log: await openEmbeddedReader({ directory: join(directory, 'log') }),
  lake: openLake({ catalog: openFileCatalog(storage), storage }),
  directory: join(machine, 'lander'),
  spoolDirectory: join(machine, 'spool'),
  plans: planDirectory(join(directory, 'plans')),
  settings: { batchAgeMs: 40, idleMs: 20, threads: 1 },
})
process.stdout.write('landing\n')
try {
  await lander.run(new AbortController().signal)
} catch (error) {
  process.stderr.write(
    error instanceof LandfallError ? `${error.code}: ${error.message}\n` : `${String(error)}\n`,
  )
  process.exit(1)
}
