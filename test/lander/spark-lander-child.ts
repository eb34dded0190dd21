/** A Spark lander in a process of its own, to be killed: lands up to the end of the log. Arguments: where everything is, as JSON; `follow`: on and on. */
import { openCatalog } from '../../src/catalog/open.ts'
import { openLake } from '../../src/lake/iceberg-lake.ts'
import { openLanderAt } from '../../src/lander/open.ts'
import { openLogReader } from '../../src/log/open.ts'
import { planDirectory } from '../../src/model/plan-store.ts'
import { openLocalStorage } from '../../src/storage/drivers/local.ts'
import { patiently } from './patiently.ts'
import { game } from './support.ts'

export interface ChildPlaces {
  lander: string
  log: string
  storage: string
  catalog: string
  namespace: string
  directory: string
}

/** What went wrong on the way is read when the test fails. */
const say = (_: object, text: string) => void process.stderr.write(`${text}\n`)
const places = JSON.parse(process.argv[2]!) as ChildPlaces
const storage = openLocalStorage(places.storage)
const catalog = await openCatalog(places.catalog, storage, { namespace: places.namespace })
const log = await openLogReader(places.log)
const lander = await patiently(() =>
  openLanderAt(places.lander, {
    places,
    pipeline: game,
    log,
    lake: openLake({ storage, catalog }),
    directory: `${places.directory}/lander`,
    spoolDirectory: `${places.directory}/spool`,
    plans: planDirectory(`${places.directory}/plans`),
    logger: { info: say, warn: say, error: say },
  }),
)
if (process.argv[3] === 'follow') await lander.run(new AbortController().signal)
await lander.landToEnd()
process.exit(0)
