import { join } from 'node:path'

/** Where things are in a data directory. The names are persisted. */
export interface DataPaths {
  root: string
  /** Segments, log.json, durable, lock: written by the door. */
  log: string
  /** `<version>.json` of every plan that a record was sent under: written by the door before the first such record, here or in storage. */
  plans: string
  /** The collector's state snapshot. */
  state: string
  /** Root of the lake's storage when no other was named: `default/<table>/{metadata,data}`. */
  lake: string
  /** plan.json, lock, status.json: the lander's. */
  lander: string
  /** Views and reference files, for questions without the pipeline file: the lander's. */
  named: string
  spool: string
  /** Healed events on their way from `landfall deadletters replay` to the door, which takes them into the log. */
  replay: string
  /** Copies of objects of remote storage. */
  cache: string
}

export function dataPaths(root: string): DataPaths {
  const below = (name: string) => join(root, name)
  return {
    root,
    log: below('log'),
    plans: below('plans'),
    state: below('state'),
    lake: below('lake'),
    lander: below('lander'),
    named: join(root, 'lander', 'named.json'),
    spool: below('spool'),
    replay: below('replay'),
    cache: below('cache'),
  }
}

/** Where Iceberg readers find the catalog, on the address of SQL. */
export const ICEBERG_PREFIX = '/iceberg'
