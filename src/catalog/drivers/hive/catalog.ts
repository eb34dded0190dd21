import { randomUUID } from 'node:crypto'
import { userInfo } from 'node:os'
import { gunzipSync } from 'node:zlib'
import { isLandfallError, LandfallError } from '../../../base/errors.ts'
import {
  formatMetadata,
  type MetadataUpdate,
  parseMetadata,
  type TableMetadata,
} from '../../../lake/metadata.ts'
import { TableFiles } from '../../../lake/table-files.ts'
import type { Storage } from '../../../storage/storage.ts'
import type { Catalog, TableVersion } from '../../catalog.ts'
import { checkTableName, conflict, damaged, unknownOutcome } from '../../catalog-errors.ts'
import { NoAnswer } from './connection.ts'
import { type HeldLock, isLostLock, type LockTimes, takeLock } from './lock.ts'
import { isMetastoreError, type Metastore } from './metastore.ts'
import { isIceberg, METADATA_LOCATION, newTable, parametersOf, withMetadata } from './table.ts'
import type { ThriftStruct } from './thrift.ts'

type Found = 'there' | 'before' | 'elsewhere' | 'unknown'

/** Older versions of the metadata that stay readable (`write.metadata.previous-versions-max`). */
const PREVIOUS_VERSIONS_MAX = 20
/** What a metastore takes as it stands; it would write capitals small. */
const NAME = /^[a-z0-9_]+$/
/** Iceberg's property: writers rely on the metastore's comparison alone. */
const LOCK_ENABLED = 'engine.hive.lock-enabled'
const METADATA_FILE = /\/(\d+)-[^/]*\.metadata\.json$/

/**
 * Hive's metastore as the catalog of Iceberg tables: which metadata file is current stands in the table's parameter `metadata_location`.
 *
 * A commit writes the next metadata file under a name that nobody else can have, looks whether `metadata_location` still is the base's, and
 * alters the table. A metastore of 4.0 compares in the transaction that alters (`expected_parameter_key`), so tables made there say that they
 * need no lock (`engine.hive.lock-enabled`, which Iceberg's own writers heed). A 3.1 does not compare: there the table's exclusive lock keeps
 * others away between look and alteration, as for every Iceberg writer. A table of 4.0 that does not say so is locked *and* compared.
 *
 * What a crash leaves. Before the call: a metadata file that nothing names (`forgetOldVersions` takes it) and perhaps a lock, which dies.
 * After it, without an answer: the table is looked at. Our file there: done. Another: the call may still be on its way in the server. With
 * 4.0 it is harmless, since it is compared when it comes. With 3.1 it could undo what comes after it, so the lock is *not* given back: it
 * dies after 90 s, when no call of ours can be on its way any more. Either way the answer is `catalog/unknown-outcome`.
 */
export class HiveCatalog implements Catalog {
  readonly namespace: string
  readonly #storage: Storage
  readonly #files: TableFiles
  readonly #metastore: Metastore
  readonly #locks: LockTimes
  /** Whether the metastore compares by itself before it alters. */
  readonly #compares: boolean
  /** The newest version seen of each table; a version's file never changes. */
  readonly #seen = new Map<string, TableVersion>()
  /** Commits of this process to one table wait here for each other, which is cheaper than at the lock. */
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(
    storage: Storage,
    metastore: Metastore,
    namespace: string,
    compares: boolean,
    locks: LockTimes,
  ) {
    checkTableName(namespace, NAME)
    this.namespace = namespace
    this.#storage = storage
    this.#files = new TableFiles(storage)
    this.#metastore = metastore
    this.#compares = compares
    this.#locks = locks
  }

  async listTables(): Promise<string[]> {
    const names = await this.#metastore.tableNames(this.namespace)
    const found: string[] = []
    for (const name of names.sort()) {
      const table = await this.#metastore.table(this.namespace, name)
      if (table !== undefined && isIceberg(table)) found.push(name)
    }
    return found
  }

  async loadTable(name: string): Promise<TableVersion | undefined> {
    checkTableName(name, NAME)
    // A version that is deleted while we come to read it means that the table has moved on.
    for (let turn = 1; ; turn++) {
      const location = await this.#currentLocation(name)
      if (location === undefined) {
        this.#seen.delete(name)
        return undefined
      }
      const seen = this.#seen.get(name)
      if (seen?.metadataLocation === location) return seen
      try {
        return this.#remember(name, location, await this.#readMetadata(name, location))
      } catch (error) {
        if (!isLandfallError(error, 'storage/not-found') || turn >= 10) throw error
      }
    }
  }

  async createTable(name: string, metadata: TableMetadata): Promise<TableVersion> {
    checkTableName(name, NAME)
    if (!(await this.#metastore.hasDatabase(this.namespace)))
      await this.#metastore.createDatabase(this.namespace, `${this.#storage.url}/${this.namespace}`)
    const next = { ...metadata, 'metadata-log': [], properties: this.#properties(metadata) }
    const { path, url } = await this.#writeMetadata(0, next)
    const parts = {
      database: this.namespace,
      name,
      owner: userInfo().username,
      metadata: next,
      metadataLocation: url,
    }
    try {
      // The commit point.
      await this.#metastore.createTable(newTable(parts, metadata['last-updated-ms']))
    } catch (error) {
      const found = await this.#find(name, url, error)
      if (found !== 'unknown' && found !== 'there') await this.#discard(path)
      if (found === 'elsewhere') throw conflict(name, 'it exists')
      if (found !== 'there') throw this.#failed(name, `the creation of ${name}`, found, error)
    }
    return this.#remember(name, url, next)
  }

  async commitTable(
    base: TableVersion,
    next: TableMetadata,
    _updates: MetadataUpdate[],
  ): Promise<TableVersion> {
    const { name } = base
    const log = [
      ...base.metadata['metadata-log'],
      { 'timestamp-ms': base.metadata['last-updated-ms'], 'metadata-file': base.metadataLocation },
    ]
    const metadata = { ...next, 'metadata-log': log.slice(-PREVIOUS_VERSIONS_MAX) }
    const { path, url } = await this.#writeMetadata(numberOf(base.metadataLocation) + 1, metadata)
    await this.#inTurn(name, () => this.#swap(base, metadata, path, url))
    // From here on the commit stands; letting go of an old version is best effort and is made up for by maintenance.
    const dropped = log.slice(0, -PREVIOUS_VERSIONS_MAX)
    await Promise.allSettled(dropped.map((entry) => this.#discard(this.#files.path(entry['metadata-file']))))
    return this.#remember(name, url, metadata)
  }

  async dropTable(name: string): Promise<void> {
    checkTableName(name, NAME)
    try {
      await this.#metastore.dropTable(this.namespace, name)
    } catch (error) {
      const found = error instanceof NoAnswer ? 'unknown' : 'before'
      throw this.#failed(name, `dropping ${name}`, found, error)
    }
    this.#seen.delete(name)
  }

  /** A metadata file with a number so far behind was read by nobody for long, and who wanted to commit it has lost. */
  async forgetOldVersions(current: TableVersion): Promise<void> {
    const oldest = numberOf(current.metadataLocation) - PREVIOUS_VERSIONS_MAX
    const named = new Set(
      current.metadata['metadata-log'].map((entry) => this.#files.path(entry['metadata-file'])),
    )
    for await (const { path } of this.#storage.list(
      `${this.#files.path(current.metadata.location)}/metadata/`,
    )) {
      const number = METADATA_FILE.exec(path)?.[1]
      if (number !== undefined && Number(number) < oldest && !named.has(path))
        await this.#storage.delete(path)
    }
  }

  /** Makes `url` the table's metadata if the base's is; or deletes it when that is certain not to have happened. */
  async #swap(base: TableVersion, next: TableMetadata, path: string, url: string): Promise<void> {
    const { name } = base
    let lock: HeldLock | undefined
    try {
      if (!this.#compares || base.metadata.properties[LOCK_ENABLED] !== 'false')
        lock = await takeLock(this.#metastore, this.namespace, name, this.#locks)
      const table = await this.#metastore.table(this.namespace, name)
      const found = table && parametersOf(table)[METADATA_LOCATION]
      if (found !== base.metadataLocation)
        throw conflict(name, found === undefined ? 'it is gone' : `it is at ${found}`)
      await lock?.renew()
      await this.#alter(name, withMetadata(table!, next, url), base.metadataLocation, url)
    } catch (error) {
      if (!isLandfallError(error, 'catalog/unknown-outcome')) await this.#discard(path)
      else if (!this.#compares) throw error
      await lock?.release().catch(() => {})
      throw isLostLock(error) ? conflict(name, 'its lock was taken away') : error
    }
    await lock?.release().catch(() => {})
  }

  async #alter(name: string, table: ThriftStruct, expected: string, url: string): Promise<void> {
    const context = {
      DO_NOT_UPDATE_STATS: 'true',
      expected_parameter_key: METADATA_LOCATION,
      expected_parameter_value: expected,
    }
    try {
      // The commit point.
      await this.#metastore.alterTable(this.namespace, name, table, context)
    } catch (error) {
      const found = await this.#find(name, url, error, expected)
      if (found === 'there') return
      if (found === 'elsewhere' && isMetastoreError(error)) throw conflict(name, error.message)
      throw this.#failed(name, `the commit of ${url}`, found, error)
    }
  }

  /**
   * After a failed call that should have made `url` the table's metadata: is it? `there` also when a later version has it in its log;
   * `before`: the table is where it was; `unknown`: nobody can tell, or a call without an answer may still be on its way.
   */
  async #find(name: string, url: string, error: unknown, expected?: string): Promise<Found> {
    // Never sent.
    if (error instanceof LandfallError) return 'before'
    try {
      const location = await this.#currentLocation(name)
      if (location === url) return 'there'
      if (location !== expected && location !== undefined) {
        const { 'metadata-log': log } = parseMetadata(await this.#read(location))
        if (log.some((entry) => entry['metadata-file'] === url)) return 'there'
        return expected === undefined || isMetastoreError(error) ? 'elsewhere' : 'unknown'
      }
      return isMetastoreError(error) ? 'before' : 'unknown'
    } catch {
      return 'unknown'
    }
  }

  #failed(name: string, what: string, found: Found, error: unknown): unknown {
    if (found === 'unknown') return unknownOutcome(name, `${what} at ${this.#metastore.url}`, error)
    if (!isMetastoreError(error)) return error
    const said = error.message.replaceAll(/\s+/g, ' ').slice(0, 300)
    return new LandfallError('retry', 'catalog/failed', `the metastore refused ${what}: ${said}`, {
      hint: 'It must reach the storage itself (its Hadoop client, for s3: S3A), and may need its log read',
      details: { table: name },
      cause: error,
    })
  }

  #properties({ properties }: TableMetadata): Record<string, string> {
    return this.#compares ? { [LOCK_ENABLED]: 'false', ...properties } : properties
  }

  async #currentLocation(name: string): Promise<string | undefined> {
    const table = await this.#metastore.table(this.namespace, name)
    if (table === undefined) return undefined
    const location = parametersOf(table)[METADATA_LOCATION]
    if (isIceberg(table) && location !== undefined) return location
    throw new LandfallError(
      'fix-config',
      'catalog/not-iceberg',
      `${this.namespace}.${name} of the metastore is no Iceberg table`,
      { hint: 'Drop it there, or give Landfall’s table another name' },
    )
  }

  async #writeMetadata(number: number, metadata: TableMetadata): Promise<{ path: string; url: string }> {
    const url = `${metadata.location}/metadata/${String(number).padStart(5, '0')}-${randomUUID()}.metadata.json`
    const path = this.#files.path(url)
    await this.#storage.write(path, formatMetadata(metadata))
    return { path, url }
  }

  async #readMetadata(name: string, location: string): Promise<TableMetadata> {
    const bytes = await this.#read(location)
    try {
      return parseMetadata(bytes)
    } catch (error) {
      throw damaged(name, location, error)
    }
  }

  /** Other writers may compress (`write.metadata.compression-codec=gzip`). */
  async #read(location: string): Promise<Buffer> {
    const bytes = await this.#storage.read(this.#files.path(location))
    return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes
  }

  #remember(name: string, metadataLocation: string, metadata: TableMetadata): TableVersion {
    const version = { name, metadata, metadataLocation, version: metadataLocation }
    this.#seen.set(name, version)
    return version
  }

  async #discard(path: string): Promise<void> {
    await this.#storage.delete(path).catch(() => {})
  }

  #inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(name) ?? Promise.resolve()).then(work)
    this.#turns.set(
      name,
      turn.catch(() => {}),
    )
    return turn
  }
}

/** Writers count their metadata files; what has no number counts as the first. */
function numberOf(location: string): number {
  return Number(METADATA_FILE.exec(location)?.[1] ?? 0)
}
