/** The query process: SQL over lake and spool, and the catalog for Iceberg readers. Its engine is loaded by the first query. */
import { type Access, createAccess } from '../base/access.ts'
import { openTls, type TlsFiles } from '../base/tls.ts'
import { openUsers } from '../base/users.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { createIcebergDoor } from '../catalog/wire/iceberg-rest/door.ts'
import { readRefusals } from '../collector/refusals-file.ts'
import type { Lake } from '../lake/lake.ts'
import type { LogReader } from '../log/log.ts'
import { type DuckdbEngineSettings, openDuckdbEngine } from '../sql/drivers/duckdb/duckdb-engine.ts'
import type { SqlEngine } from '../sql/sql.ts'
import { type Mount, openSqlServer } from '../sql/wire/trino/server.ts'
import { type DashboardOptions, openDashboard } from './dashboard.ts'
import { landerMetrics } from './lander-metrics.ts'
import { keptNamed, type Named, refuseTaken } from './named.ts'
import { ICEBERG_PREFIX } from './paths.ts'
import { hasSpool, type Places, topicOf } from './places.ts'
import { PROBE, Reach } from './reach.ts'
import { openLakeReaderAt, openLogReaderAt } from './rooms.ts'
import { whenPortIsFree } from './when-port-is-free.ts'

export type { DuckdbEngineSettings }

export interface QueryOptions {
  places: Places
  listen: { host: string; port: number }
  insecure: boolean
  token: string | null
  /** File of users and their tokens. */
  users?: string | null
  /** Speak https. */
  tls?: TlsFiles | null
  settings: DuckdbEngineSettings
  /** Views and files of the pipeline; default: what the lander kept. */
  named?: Named
  /** The lander of this machine is there or is coming: its spool is waited for (default: when there is one). */
  spoolExpected?: boolean
  /** Show the dashboard on this address (default: no). */
  dashboard?: DashboardOptions
  /** Told when changed users or a changed certificate cannot be taken over, and of mistakes of ours. */
  onWarning?: (text: string, error: unknown) => void
}

export interface QueryDoor {
  /** URL without a slash at the end. */
  address: string
  close(): Promise<void>
}

/** The door of the same pipeline may be starting, and makes the log. */
const LOG_WAIT_MS = 10_000

/** An engine over the tables, beside whatever writes there or without it. `named`: default, what the lander kept. */
export async function openDataEngine(
  places: Places,
  settings: DuckdbEngineSettings,
  logWaitMs = 0,
  named?: Named,
): Promise<SqlEngine> {
  return (await openEngine(places, settings, logWaitMs, named, false)).engine
}

async function openEngine(
  places: Places,
  settings: DuckdbEngineSettings,
  logWaitMs: number,
  named: Named | undefined,
  spoolExpected: boolean,
): Promise<{ engine: SqlEngine; lake: Lake; log: LogReader; catalog: Catalog; reach: Reach }> {
  const [{ lake, catalog, storage }, log, known] = await Promise.all([
    openLakeReaderAt(places),
    openLogReaderAt(places, { waitMs: logWaitMs }),
    named ?? keptNamed(places.data),
  ])
  if (named) refuseTaken(named, await lake.listTables())
  const spool = hasSpool(places) ? { spoolDirectory: places.paths.spool, spoolExpected } : {}
  const ledger = { topic: topicOf(places), refusals: () => readRefusals(places.paths.state) }
  const engine = await openDuckdbEngine({ lake, log, ...spool, named: known, ledger, settings })
  const reach = new Reach(places, {
    log: () => log.end(),
    storage: () => storage.stat(PROBE),
    catalog: () => catalog.listTables(),
  })
  return { engine, lake, log, catalog, reach }
}

export async function openQuery(options: QueryOptions): Promise<QueryDoor> {
  const { places } = options
  using opening = new DisposableStack()
  const warn = (what: string) => (error: unknown) => options.onWarning?.(`${what} not taken over`, error)
  const tls = options.tls && opening.use(await openTls(options.tls, warn('the changed certificate is')))
  const users = options.users && opening.use(await openUsers(options.users, warn('the changed users are')))
  const { engine, lake, log, catalog, reach } = await openEngine(
    places,
    options.settings,
    LOG_WAIT_MS,
    options.named,
    options.spoolExpected ?? false,
  )
  const away = () => reach.away('catalog', 'storage', 'log')
  const dashboard = options.dashboard && openDashboard(places, options.dashboard, { engine, lake, log }, away)
  try {
    const access = createAccess(options.token, users ? () => users.read() : undefined)
    const iceberg = icebergMount(catalog, access)
    const server = await whenPortIsFree(() =>
      openSqlServer({
        engine,
        ...options.listen,
        insecure: options.insecure,
        health: async () => away(),
        metrics: async () => `${await landerMetrics(places.paths.lander)}${reach.metrics()}`,
        access,
        ...(tls ? { tls } : {}),
        ...(dashboard ? { pages: dashboard.serve.bind(dashboard) } : {}),
        mounts: [iceberg],
        onMistake: (error) => options.onWarning?.('a question failed by a mistake of ours', traced(error)),
      }),
    )
    const resources = opening.move()
    return {
      address: server.url,
      async close() {
        reach[Symbol.dispose]()
        await dashboard?.[Symbol.asyncDispose]()
        await server[Symbol.asyncDispose]()
        resources.dispose()
        await engine[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    reach[Symbol.dispose]()
    await engine[Symbol.asyncDispose]()
    throw error
  }
}

/** Its one line says where it came from, too. */
function traced(error: unknown): unknown {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (!(cause instanceof Error)) return error
  const place = /\n\s+at (.*)/.exec(cause.stack ?? '')?.[1]
  return new Error(`${cause.message.split('\n', 1)[0]}${place ? ` (${place})` : ''}`, { cause: error })
}

function icebergMount(catalog: Catalog, access: Access): Mount {
  return { prefix: ICEBERG_PREFIX, serve: createIcebergDoor({ catalog, access, prefix: ICEBERG_PREFIX }) }
}
