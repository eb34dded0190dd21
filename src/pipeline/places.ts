/**
 * Where the parts of a pipeline are: log, storage and catalog by their URLs, and the directory of this machine, which stays
 * whatever the URLs are (locks, plan of the open batch, scratch, spool, state). Plain data; nothing is opened here.
 */

import { DEFAULT_NAMESPACE } from '../catalog/catalog.ts'
import type { LanderSecrets } from '../lander/open.ts'
import { SPOOLING_LANDER } from '../lander/spool.ts'
import { type DataPaths, dataPaths } from './paths.ts'

/** Parts that a URL moves. The names are rooms; they are persisted in `bound.json`. */
export const MOVABLE = ['log', 'storage', 'catalog'] as const
export type Movable = (typeof MOVABLE)[number]

export interface Places extends Record<Movable, string> {
  data: string
  paths: DataPaths
  /** Of the tables in the catalog. */
  namespace: string
  /** Bytes of copies of remote objects in the data directory; undefined: storage's own default. */
  cacheBytesMax: number | undefined
  /** `duckdb:` or `sc://…`; null: nobody said, so the one that a swap has put in charge, else the engine within. */
  lander: string | null
  secrets: Secrets
}

/** What proves to the parts who we are. From the environment only; never in a URL, a message or a file of ours. */
export interface Secrets {
  logUsername: string | null
  logPassword: string | null
  catalogToken: string | null
  /** `id:secret` of an OAuth2 client. */
  catalogCredential: string | null
  landerToken: string | null
}

/** What the lander must prove to the parts that it reaches itself. */
export function landerSecrets({ secrets }: Places): LanderSecrets {
  const given = {
    token: secrets.landerToken,
    kafkaUsername: secrets.logUsername,
    kafkaPassword: secrets.logPassword,
    catalogToken: secrets.catalogToken,
    catalogCredential: secrets.catalogCredential,
  }
  return Object.fromEntries(Object.entries(given).filter(([, secret]) => secret !== null))
}

const NO_SECRETS: Secrets = {
  logUsername: null,
  logPassword: null,
  catalogToken: null,
  catalogCredential: null,
  landerToken: null,
}

/** The catalog that is in the lake's own files. */
export const OWN_CATALOG = 'file:'
export const OWN_LANDER = SPOOLING_LANDER

/** Everything in the data directory: no URL was given. */
export function ownPlaces(data: string): Places {
  const paths = dataPaths(data)
  return {
    data,
    paths,
    log: paths.log,
    storage: paths.lake,
    catalog: OWN_CATALOG,
    namespace: DEFAULT_NAMESPACE,
    cacheBytesMax: undefined,
    lander: null,
    secrets: NO_SECRETS,
  }
}

/** Whether a part is in the data directory itself. */
export function isOwn(places: Places, part: Movable): boolean {
  return places[part] === ownPlaces(places.data)[part]
}

/** The log is a server, and not files of this machine. */
export function isLogServer({ log }: Places): boolean {
  return /^(?!file:)[a-z][a-z0-9+.-]+:/i.test(log)
}

/** What the log is called: the topic of its URL, or the one topic of the log in the data directory. */
export function topicOf(places: Places): string {
  if (isOwn(places, 'log')) return 'events'
  const path = places.log.replace(/[?#].*$/s, '').replace(/\/+$/, '')
  return path.slice(path.lastIndexOf('/') + 1)
}

/** The lander judges with an engine of this machine and writes a spool that the query process beside it reads. */
export function hasSpool({ lander }: Places): boolean {
  return (lander ?? OWN_LANDER) === OWN_LANDER
}
